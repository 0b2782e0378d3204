//! `kind: command`: a program of the user's own on the server.

use super::{Kind, count, texts};
use crate::policy::complaint::Complaints;
use crate::policy::fields::Fields;
use crate::policy::schema::checked;
use crate::policy::values;
use crate::policy::{CommandTarget, TargetKind};
use std::path::PathBuf;

/// How long the program may take where the policy does not say, in minutes.
const MINUTES: u32 = 60;

/// The kind.
pub(super) const COMMAND: Kind = Kind {
    name: "command",
    keys: &["program", "args", "env", "minutes"],
    read: |fields, complaints| command(fields, complaints).map(TargetKind::Command),
};

fn command(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<CommandTarget> {
    let program = fields.required("program", complaints, |node, what, complaints| {
        checked(node, what, complaints, |text| values::absolute(text, false))
    });
    let args = texts(fields, "args", complaints, |arg| Ok(arg.to_owned()));
    let env = texts(fields, "env", complaints, |name| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.bytes().all(plain) && !name.is_empty() && !name.starts_with("RELHOOK_") {
            Ok(name.to_owned())
        } else {
            Err("is not the name of a variable like `DEPLOY_STAGE`".to_owned())
        }
    });
    let minutes = count(fields, "minutes", 1..=1440, MINUTES, complaints);
    Some(CommandTarget {
        program: PathBuf::from(program?.value),
        args: args?,
        env: env?,
        minutes: minutes?,
    })
}
