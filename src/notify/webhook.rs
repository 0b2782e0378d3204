//! A notice as JSON, sent to a web hook.

use super::Notice;
use crate::http::{Ask, Client, Pace};
use crate::policy::{Bundle, Webhook, is_plain_https};
use crate::secret::{self, Keeper, Secret};
use crate::types::{NotifierName, hex};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;
use ureq::http::Uri;

/// The largest answer that is read, in bytes. Nothing in it counts.
const ANSWER: u64 = 64 * 1024;

/// A service that does not answer soon is asked again later.
const PACE: Pace = Pace {
    connect: Duration::from_secs(10),
    silence: Duration::from_secs(10),
    whole: Duration::from_secs(20),
};

/// The header with the signature of the body, where the credentials hold a `secret`.
const SIGNATURE: &str = "x-relhook-signature";

/// What is kept secret of a web hook.
#[derive(Default)]
struct Kept {
    url: Option<Secret>,
    token: Option<Secret>,
    secret: Option<Secret>,
}

/// Sends it. Only an answer from 200 to 299 says that it was taken in; redirects are not followed.
pub(super) fn send(
    name: &NotifierName,
    webhook: &Webhook,
    bundle: &Bundle,
    folder: &Path,
    notice: &Notice,
) -> Result<(), String> {
    let body = serde_json::to_vec(notice).map_err(|error| error.to_string())?;
    let file = format!("notify-{}", name.as_str());
    post(&file, webhook, bundle, folder, "application/json", &body)
}

/// Sends a body of this type, with the credentials in the file of this name.
///
/// # Errors
/// Why it was not taken in. Nothing in it is a secret.
pub(crate) fn post(
    file: &str,
    webhook: &Webhook,
    bundle: &Bundle,
    folder: &Path,
    kind: &str,
    body: &[u8],
) -> Result<(), String> {
    let kept = kept(file, folder)?;
    let url = match (&kept.url, &webhook.url) {
        (Some(url), _) => url.reveal(),
        (None, Some(url)) => url,
        (None, None) => return Err("it has no `url`, and neither have its credentials".into()),
    };
    let ca = match &webhook.ca {
        None => None,
        Some(file) => Some(
            bundle
                .keys
                .get(file)
                .ok_or_else(|| format!("`keys/{file}` is not beside the policy"))?,
        ),
    };
    let client = Client::new(ca, 1, PACE).map_err(|error| error.to_string())?;
    let bearer = kept
        .token
        .as_ref()
        .map(|token| format!("Bearer {}", token.reveal()));
    let signature = match &kept.secret {
        None => None,
        Some(secret) => Some(signed(secret, body)?),
    };
    let mut headers = vec![("content-type", kind)];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    headers.extend(signature.as_deref().map(|signed| (SIGNATURE, signed)));
    let answer = client
        .send(&Ask {
            method: "POST",
            url,
            headers: &headers,
            body: Some(body),
            sent: &|_| {},
            limit: ANSWER,
        })
        .map_err(|error| error.to_string())?;
    match answer.is_success() {
        true => Ok(()),
        false => Err(format!("the answer was {}", answer.status)),
    }
}

/// Whether the hook's server takes connections. Nothing is asked of it.
///
/// # Errors
/// Why it cannot be told that it does. Nothing in it is a secret.
pub(crate) fn reach(file: &str, webhook: &Webhook, folder: &Path) -> Result<(), String> {
    let kept = kept(file, folder)?;
    let url = match (&kept.url, &webhook.url) {
        (Some(url), _) => url.reveal(),
        (None, Some(url)) => url,
        (None, None) => return Err("it has no `url`, and neither have its credentials".into()),
    };
    // The address itself may be a secret, and is in no message.
    let uri: Uri = url.parse().map_err(|_| "its `url` is none".to_owned())?;
    let host = uri.host().ok_or("its `url` names no server")?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(443);
    let found = (host, port).to_socket_addrs();
    let found = found.map_err(|error| format!("its server cannot be found: {error}"))?;
    let mut last = "its server has no address".to_owned();
    for address in found {
        match TcpStream::connect_timeout(&address, PACE.connect) {
            Ok(_) => return Ok(()),
            Err(error) => last = format!("its server takes no connection: {error}"),
        }
    }
    Err(last)
}

/// `sha256=` and the HMAC of the body, so that the receiver knows that it comes from here, unaltered.
fn signed(secret: &Secret, body: &[u8]) -> Result<String, String> {
    use hmac::{Hmac, Mac};
    let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.reveal().as_bytes());
    let mut mac = mac.map_err(|error| error.to_string())?;
    mac.update(body);
    Ok(format!("sha256={}", hex(&mac.finalize().into_bytes())))
}

/// `url=`, `token=` and `secret=` lines in a file that nobody else can read: where a service manager
/// puts credentials, or in relhook's own folder of them. There may be none.
fn kept(file: &str, folder: &Path) -> Result<Kept, String> {
    let service = std::env::var_os("CREDENTIALS_DIRECTORY").map(|dir| Path::new(&dir).join(file));
    if let Some(path) = service
        && let Some(text) = secret::private_text(&path, Keeper::Service)
            .map_err(|why| format!("{}: {why}", path.display()))?
    {
        return parse(&text);
    }
    let path = folder.join("credentials").join(file);
    let text = secret::private_text(&path, Keeper::Own);
    match text.map_err(|why| format!("{}: {why}", path.display()))? {
        Some(text) => parse(&text),
        None => Ok(Kept::default()),
    }
}

fn parse(text: &str) -> Result<Kept, String> {
    let mut kept = Kept::default();
    for line in text.lines() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (slot, value) = match line.split_once('=') {
            Some(("url", value)) if is_plain_https(value) => (&mut kept.url, value),
            Some(("token", value)) if is_token(value) => (&mut kept.token, value),
            Some(("secret", value)) if is_token(value) => (&mut kept.secret, value),
            // What is wrong is not repeated.
            _ => {
                return Err(
                    "a line of its credentials is no `url=https://…`, `token=…` or `secret=…`"
                        .into(),
                );
            }
        };
        if slot.replace(Secret::new(value.to_owned())).is_some() {
            return Err("a line of its credentials stands there twice".into());
        }
    }
    Ok(kept)
}

fn is_token(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic())
}
