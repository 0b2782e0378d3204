//! People out of histories and lists from elsewhere: read, joined where it is certain who is who,
//! and told where it only looks so. One human who becomes two could approve their own work.

mod authors;
mod error;
mod fold;
mod history;
mod join;
mod mailmap;
mod outcome;
mod record;
mod table;
mod twins;

pub use error::ImportError;
pub use history::{History, history};
pub use join::Merge;
pub use outcome::{Outcome, Stranger, Suggested, propose};
pub use record::{Origin, Record};
pub use twins::Twin;

use std::path::Path;

/// The largest list that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 16 << 20;
/// The most identities in all.
pub const MAX_RECORDS: usize = 100_000;

/// What the lists say.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Every identity, in the order of the lists.
    pub records: Vec<Record>,
    /// Whatever could not be taken and is no reason to stop: sentences.
    pub notes: Vec<String>,
}

impl Gathered {
    /// Adds an svn authors file (or git-tfs's, which has the same form): `user = Name <mail>`.
    ///
    /// # Errors
    /// A file that cannot be read, is too large, or has a line of another form.
    pub fn svn_authors(&mut self, file: &Path) -> Result<(), ImportError> {
        let bytes = error::read(file)?;
        authors::read(&bytes, self).map_err(|fault| fault.about(file))
    }

    /// Adds a git mailmap.
    ///
    /// # Errors
    /// A file that cannot be read, is too large, or has a line of another form.
    pub fn mailmap(&mut self, file: &Path) -> Result<(), ImportError> {
        let bytes = error::read(file)?;
        mailmap::read(&bytes, self).map_err(|fault| fault.about(file))
    }

    /// Adds a table with a header line.
    ///
    /// # Errors
    /// A file that cannot be read, is too large, has a column that is not known, or a value that
    /// a policy would refuse.
    pub fn table(&mut self, file: &Path) -> Result<(), ImportError> {
        let bytes = error::read(file)?;
        table::read(&bytes, self).map_err(|fault| fault.about(file))
    }

    /// Adds one identity.
    fn add(&mut self, record: Record, line: u64) -> Result<(), error::LineFault> {
        if self.records.len() >= MAX_RECORDS {
            return Err(error::LineFault::new(
                line,
                format!("there are more than {MAX_RECORDS} identities"),
            ));
        }
        self.records.push(record);
        Ok(())
    }
}
