//! What somebody is about to undo: the commits that a ref would lose, the paths that would change, and what it
//! takes.

use super::Color;
use super::color::Tone;
use super::page::{Page, Reader};
use super::proposal::{write_files, write_head};
use super::report::write_lost;
use super::text::cut;
use crate::client::FileStat;
use crate::decide::{Code, Reason};
use crate::facts::Lost;
use crate::statement::Statement;
use crate::types::PersonName;

/// What somebody is about to undo.
#[derive(Debug, Clone, Copy)]
pub struct GoingBack<'a> {
    /// What would be stated.
    pub statement: &'a Statement,
    /// Who would sign, where that can be told, and what it was told from.
    pub signer: (Option<&'a PersonName>, &'a str),
    /// The commits that the ref would lose.
    pub loses: &'a [Lost],
    /// The paths that would change.
    pub files: &'a [FileStat],
    /// What would still stand in the way.
    pub reasons: &'a [Reason],
}

/// A rollback before it is signed, as text for a terminal.
#[must_use]
pub fn going_back(going: &GoingBack<'_>, color: Color) -> String {
    let mut page = Page::new(Reader::Here, color);
    write_head(&mut page, "Roll back to", going.statement, going.signer);
    page.gap();
    write_lost(&mut page, going.loses);
    write_files(&mut page, going.files);
    page.gap();
    for reason in going.reasons {
        let tone = match reason.code() {
            Code::ROLLBACK_UNKNOWN => Tone::Faint,
            _ => Tone::Bad,
        };
        let lead = format!("{} ", reason.code());
        page.paragraph(tone, &lead, &cut(&reason.to_string(), 400));
    }
    let meaning = "What was approved of these commits will not count for them any more: to release them \
                   again, somebody approves them anew and answers this reason.";
    page.paragraph(Tone::Plain, "", meaning);
    page.finish("")
}
