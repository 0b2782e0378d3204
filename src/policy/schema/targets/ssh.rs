//! How to log in to a host by ssh: what several kinds of target share.

use super::{count, texts};
use crate::policy::complaint::Complaints;
use crate::policy::fields::{self, Fields};
use crate::policy::{HostKey, SshLogin, SshProof};
use base64ct::{Base64Unpadded, Encoding};
use ssh_key::PublicKey;

/// Port, host keys and proof.
pub(super) fn login(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<SshLogin> {
    let port = count(fields, "port", 1..=65535, 22, complaints);
    let listed = fields.required("host_keys", complaints, |_, _, _| Some(()));
    let host_keys = texts(fields, "host_keys", complaints, host_key);
    let agent = fields.optional("agent", complaints, fields::truth);
    Some(SshLogin {
        port: u16::try_from(port?).ok()?,
        host_keys: listed.and(host_keys)?,
        proof: match agent.unwrap_or_default() {
            true => SshProof::Agent,
            false => SshProof::Key,
        },
    })
}

/// A public key as `ssh-keyscan` prints it, without the host in front, or its fingerprint as
/// `ssh-keygen -l` prints it, without what stands around it.
fn host_key(text: &str) -> Result<HostKey, String> {
    const WHY: &str = "is not a host's public key like `ssh-ed25519 AAAA…`, nor a fingerprint like \
                       `SHA256:…` with its 43 letters and nothing around it";
    if let Some(base64) = text.strip_prefix("SHA256:") {
        let mut hash = [0; 32];
        return match Base64Unpadded::decode(base64, &mut hash) {
            Ok(bytes) if bytes.len() == 32 => Ok(HostKey::Print(hash)),
            Ok(_) | Err(_) => Err(WHY.to_owned()),
        };
    }
    let key = PublicKey::from_openssh(text).map_err(|_| WHY.to_owned())?;
    let line = key.to_openssh().map_err(|_| WHY.to_owned())?;
    let mut words = line.split(' ');
    match (words.next(), words.next()) {
        (Some(kind), Some(base64)) => Ok(HostKey::Whole(format!("{kind} {base64}"))),
        _ => Err(WHY.to_owned()),
    }
}
