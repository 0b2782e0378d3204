//! `kind: dir`: a directory on the server's own machine.

use super::{Kind, count};
use crate::policy::complaint::Complaints;
use crate::policy::fields::Fields;
use crate::policy::schema::checked;
use crate::policy::values;
use crate::policy::{DirTarget, TargetKind};
use std::path::PathBuf;

/// How many releases are kept where the policy does not say.
const KEEP: u32 = 5;

/// The kind.
pub(super) const DIR: Kind = Kind {
    name: "dir",
    keys: &["path", "keep"],
    read: |fields, complaints| directory(fields, complaints).map(TargetKind::Dir),
};

fn directory(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<DirTarget> {
    let path = fields.required("path", complaints, |node, what, complaints| {
        checked(node, what, complaints, |text| values::absolute(text, false))
    });
    let keep = count(fields, "keep", 1..=1000, KEEP, complaints);
    Some(DirTarget {
        path: PathBuf::from(path?.value),
        keep: keep?,
    })
}
