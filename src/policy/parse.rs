//! From bytes to a policy, with every complaint on the way.

use super::complaint::Complaints;
use super::{Policy, PolicyErrors, meaning, schema, text, yaml};

impl Policy {
    /// Reads and checks a policy file. `file_name` is what the complaints call it.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with file, line, column and a hint where there is
    /// one; a file that is not readable as YAML has only the complaints up to there.
    pub fn parse(yaml: &[u8], file_name: &str) -> Result<Self, PolicyErrors> {
        let mut complaints = Complaints::about(file_name);
        let policy = read(yaml, &mut complaints);
        complaints.judge(policy)
    }
}

fn read(bytes: &[u8], complaints: &mut Complaints) -> Option<Policy> {
    let text = text::read(bytes, complaints)?;
    let root = yaml::read(text, complaints)?;
    let document = schema::read(&root, complaints)?;
    meaning::policy(&document, complaints)
}
