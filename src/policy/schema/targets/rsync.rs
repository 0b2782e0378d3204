//! `kind: rsync`: a directory of another machine, by rsync over ssh.

use super::{Kind, host, ssh};
use crate::policy::complaint::Complaints;
use crate::policy::fields::{self, Fields};
use crate::policy::schema::checked;
use crate::policy::values;
use crate::policy::{RsyncTarget, TargetKind};

/// The kind.
pub(super) const RSYNC: Kind = Kind {
    name: "rsync",
    keys: &["host", "path", "port", "host_keys", "agent", "compress"],
    read: |fields, complaints| rsync(fields, complaints).map(TargetKind::Rsync),
};

fn rsync(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<RsyncTarget> {
    let host = fields.required("host", complaints, host);
    let path = fields.required("path", complaints, |node, what, complaints| {
        checked(node, what, complaints, |text| values::absolute(text, false))
    });
    let login = ssh::login(fields, complaints);
    let compress = fields.optional("compress", complaints, fields::truth);
    Some(RsyncTarget {
        host: host?,
        path: path?.value,
        login: login?,
        compress: compress.unwrap_or_default(),
    })
}
