//! A refusal that came before any verdict: one reason, what helps, where to read more.

use super::color::{Color, Tone};
use super::page::{Page, Reader};
use super::{reasons, report};
use crate::decide::Reason;

/// What a refused person sees of one reason.
#[must_use]
pub fn refusal(reason: &Reason) -> String {
    let mut page = Page::new(Reader::Pusher, Color::Off);
    page.line(Tone::Bad, "relhook: refused");
    reasons::write(&mut page, reason, &mut reasons::Said::new());
    page.finish(&report::explain(&[reason.code()].into()))
}
