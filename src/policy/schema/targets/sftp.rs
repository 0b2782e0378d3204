//! `kind: sftp`: a directory of another machine, over SFTP.

use super::{Kind, host, ssh};
use crate::policy::complaint::Complaints;
use crate::policy::fields::{self, Fields};
use crate::policy::schema::checked;
use crate::policy::values;
use crate::policy::{SftpTarget, TargetKind};

/// The kind.
pub(super) const SFTP: Kind = Kind {
    name: "sftp",
    keys: &["host", "path", "port", "host_keys", "agent", "compress"],
    read: |fields, complaints| sftp(fields, complaints).map(TargetKind::Sftp),
};

fn sftp(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<SftpTarget> {
    let host = fields.required("host", complaints, host);
    let path = fields.required("path", complaints, |node, what, complaints| {
        checked(node, what, complaints, |text| values::absolute(text, true))
    });
    let login = ssh::login(fields, complaints);
    let compress = fields.optional("compress", complaints, fields::truth);
    Some(SftpTarget {
        host: host?,
        path: path?.value,
        login: login?,
        compress: compress.unwrap_or_default(),
    })
}
