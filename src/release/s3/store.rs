//! A bucket: signed requests, and what is done with them.

mod clothes;
mod reply;

use crate::http::{Answer, Ask, HttpError};
use crate::policy::{Addressing, Dress, S3Target, Verify};
use crate::release::redact::Redactor;
use crate::release::web::Peer;
use crate::release::{Content, Keys, ReleaseError};
use crate::types::{escape, hex};
use base64ct::{Base64, Encoding};
pub(super) use clothes::Clothes;
use md5::Md5;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reply::{is_unknown_sum, refusal};
use rusty_s3::actions::{
    CompleteMultipartUpload, CreateMultipartUpload, DeleteObject, GetObject, HeadObject, PutObject,
};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a signature is good for: long enough for a request to begin.
const SIGNED_FOR: Duration = Duration::from_secs(15 * 60);

/// The largest answer that is not a file, in bytes: a page of a listing has 1000 keys.
pub(super) const ANSWER_LIMIT: u64 = 8 * 1024 * 1024;

/// What a name in `x-amz-copy-source` keeps as it is.
const COPY_SOURCE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// A bucket and the way to it. It is shared by all sessions.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) peer: Peer,
    bucket: Bucket,
    credentials: Credentials,
    prefix: String,
    dresses: Vec<Dress>,
    /// Whether the store takes SHA-256 sums beside MD5; some refuse what they do not know.
    sums: AtomicBool,
}

/// What to do to what: the method, and for the two kinds of POST which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb<'a> {
    /// Read.
    Get,
    /// Read all but the content.
    Head,
    /// Write.
    Put,
    /// Remove.
    Delete,
    /// Begin an upload in parts.
    Begin,
    /// End the upload of this id.
    Complete(&'a str),
}

/// A request to the store.
pub(super) struct Call<'a> {
    pub(super) verb: Verb<'a>,
    /// The whole key; empty for the bucket itself.
    pub(super) key: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: Option<&'a [u8]>,
    pub(super) sent: &'a dyn Fn(usize),
    pub(super) limit: u64,
}

impl<'a> Call<'a> {
    /// A request without anything special.
    pub(super) fn new(verb: Verb<'a>, key: &'a str) -> Self {
        Self {
            verb,
            key,
            query: &[],
            headers: &[],
            body: None,
            sent: &|_| {},
            limit: ANSWER_LIMIT,
        }
    }
}

/// What the store knows of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    /// In bytes.
    pub(super) size: u64,
    /// The SHA-256 that the store computed, in hexadecimal digits, where it did.
    pub(super) sha256: Option<String>,
}

/// The sums of a piece, as header fields have them.
pub(super) struct Sums {
    pub(super) md5: String,
    pub(super) sha256: String,
}

impl Sums {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            md5: Base64::encode_string(&Md5::digest(bytes)),
            sha256: Base64::encode_string(&Sha256::digest(bytes)),
        }
    }
}

impl Store {
    /// The bucket of `target`.
    pub(super) fn new(
        target: &S3Target,
        keys: &Keys,
        ca: Option<&[u8]>,
    ) -> Result<Self, ReleaseError> {
        let peer = Peer::new(
            &target.endpoint,
            ca,
            target.connections,
            Redactor::of_keys(keys),
        )?;
        let style = match target.addressing {
            Addressing::Path => UrlStyle::Path,
            Addressing::VirtualHost => UrlStyle::VirtualHost,
        };
        let (name, region) = (target.bucket.clone(), target.region.clone());
        let bucket =
            Bucket::new(target.endpoint.clone(), style, name, region).map_err(|error| {
                ReleaseError::Bucket {
                    site: peer.site(),
                    bucket: target.bucket.clone(),
                    why: error.to_string(),
                }
            })?;
        let (access, secret) = (keys.access_key.as_str(), keys.secret_key.reveal());
        let credentials = match &keys.session_token {
            None => Credentials::new(access, secret),
            Some(token) => Credentials::new_with_token(access, secret, token.reveal()),
        };
        let prefix = target.prefix.as_ref().map(|prefix| format!("{prefix}/"));
        Ok(Self {
            peer,
            bucket,
            credentials,
            prefix: prefix.unwrap_or_default(),
            dresses: target.headers.clone(),
            sums: AtomicBool::new(true),
        })
    }

    /// The key of a path below the prefix; a `/` in front of it does not count.
    pub(super) fn key(&self, path: &str) -> String {
        format!("{}{}", self.prefix, path.trim_start_matches('/'))
    }

    /// Whether the store takes SHA-256 sums.
    pub(super) fn takes_sums(&self) -> bool {
        self.sums.load(Ordering::Relaxed)
    }

    /// Sends a request and gives the answer, whatever it is.
    pub(super) fn call(&self, call: &Call<'_>) -> Result<Answer, HttpError> {
        let (bucket, who, key) = (&self.bucket, Some(&self.credentials), call.key);
        let none: [&str; 0] = [];
        let (method, url) = match call.verb {
            Verb::Get => ("GET", signed(GetObject::new(bucket, who, key), call)),
            Verb::Head => ("HEAD", signed(HeadObject::new(bucket, who, key), call)),
            Verb::Put => ("PUT", signed(PutObject::new(bucket, who, key), call)),
            Verb::Delete => ("DELETE", signed(DeleteObject::new(bucket, who, key), call)),
            Verb::Begin => (
                "POST",
                signed(CreateMultipartUpload::new(bucket, who, key), call),
            ),
            Verb::Complete(id) => {
                let parts = none.into_iter();
                let action = CompleteMultipartUpload::new(bucket, who, key, id, parts);
                ("POST", signed(action, call))
            }
        };
        self.peer.client.send(&Ask {
            method,
            url: &url,
            headers: call.headers,
            body: call.body,
            sent: call.sent,
            limit: call.limit,
        })
    }

    /// Sends a request; gives the answer if it is a success, inside as well as outside.
    pub(super) fn done(&self, step: &str, call: &Call<'_>) -> Result<Answer, ReleaseError> {
        let answer = self
            .call(call)
            .map_err(|error| self.peer.lost(step, error))?;
        let inside = match call.verb {
            Verb::Put | Verb::Complete(_) if answer.is_success() => refusal(&answer.body),
            Verb::Put | Verb::Complete(_) | Verb::Get | Verb::Head | Verb::Delete | Verb::Begin => {
                None
            }
        };
        match inside {
            Some(refusal) => Err(self.meaning(step, &answer, &refusal)),
            None if answer.is_success() => Ok(answer),
            None => Err(self.refused(step, &answer)),
        }
    }

    /// What is known of an object; nothing if there is none.
    pub(super) fn stat(&self, key: &str) -> Result<Option<Stat>, ReleaseError> {
        let step = format!("HEAD {key}");
        let headers: &[_] = match self.takes_sums() {
            true => &[("x-amz-checksum-mode", "ENABLED")],
            false => &[],
        };
        let call = Call {
            headers,
            ..Call::new(Verb::Head, key)
        };
        let answer = self
            .call(&call)
            .map_err(|error| self.peer.lost(&step, error))?;
        if answer.status == 404 {
            return Ok(None);
        }
        if !answer.is_success() {
            return Err(self.refused(&step, &answer));
        }
        let size = answer
            .header("content-length")
            .and_then(|size| size.parse().ok());
        let Some(size) = size else {
            return Err(self.peer.odd(&step, "it tells no size".into()));
        };
        Ok(Some(Stat {
            size,
            sha256: whole_sum(&answer),
        }))
    }

    /// Reads an object of at most `limit` bytes; nothing if there is none.
    pub(super) fn get(&self, key: &str, limit: u64) -> Result<Option<Vec<u8>>, ReleaseError> {
        let step = format!("GET {key}");
        let call = Call {
            limit,
            ..Call::new(Verb::Get, key)
        };
        let answer = self
            .call(&call)
            .map_err(|error| self.peer.lost(&step, error))?;
        let code = refusal(&answer.body).map(|refusal| refusal.code);
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 if code.as_deref() != Some("NoSuchBucket") => Ok(None),
            _ => Err(self.refused(&step, &answer)),
        }
    }

    /// Whether an object holds this content, as far as the store and the depth let it be told: by size,
    /// and by the hash that the store computed, or, deep, by reading it back.
    pub(super) fn holds(
        &self,
        key: &str,
        content: &Content,
        depth: Verify,
    ) -> Result<bool, ReleaseError> {
        let Some(stat) = self.stat(key)?.filter(|stat| stat.size == content.size) else {
            return Ok(false);
        };
        let found = match depth {
            Verify::Quick => stat.sha256,
            Verify::Deep => match self.get(key, content.size)? {
                Some(bytes) => Some(hex(&Sha256::digest(&bytes))),
                None => return Ok(false),
            },
        };
        Ok(found.is_none_or(|found| found.eq_ignore_ascii_case(&content.sha256)))
    }

    /// Stores an object in one request. The store checks the sums, and says what it computed.
    pub(super) fn put_whole(
        &self,
        key: &str,
        bytes: &[u8],
        clothes: &Clothes,
        sent: &dyn Fn(usize),
    ) -> Result<(), ReleaseError> {
        let step = format!("PUT {key}");
        let sums = Sums::of(bytes);
        let send = |with_sums: bool| {
            let mut headers = clothes.headers();
            headers.push(("content-md5", sums.md5.as_str()));
            if with_sums {
                headers.push(("x-amz-checksum-sha256", sums.sha256.as_str()));
            }
            self.call(&Call {
                headers: &headers,
                body: Some(bytes),
                sent,
                ..Call::new(Verb::Put, key)
            })
            .map_err(|error| self.peer.lost(&step, error))
        };
        let with_sums = self.takes_sums();
        let mut answer = send(with_sums)?;
        if with_sums && is_unknown_sum(&answer) {
            self.sums.store(false, Ordering::Relaxed);
            answer = send(false)?;
        }
        if !answer.is_success() {
            return Err(self.refused(&step, &answer));
        }
        self.same_sum(&step, &answer, &sums)
    }

    /// Compares what the store computed, where it says it, with what was sent.
    pub(super) fn same_sum(
        &self,
        step: &str,
        answer: &Answer,
        sums: &Sums,
    ) -> Result<(), ReleaseError> {
        match answer.header("x-amz-checksum-sha256") {
            Some(sum) if sum != sums.sha256 => Err(ReleaseError::Corrupted {
                site: self.peer.site(),
                step: escape(step.as_bytes()),
                why: "the store computed another SHA-256".into(),
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Copies an object inside the bucket, with all that it was stored with, or with other clothes.
    /// Says whether there was one to copy.
    pub(super) fn copy(
        &self,
        from: &str,
        to: &str,
        clothes: Option<&Clothes>,
    ) -> Result<bool, ReleaseError> {
        let step = format!("COPY {to}");
        let source = format!(
            "/{}/{}",
            self.bucket.name(),
            utf8_percent_encode(from, COPY_SOURCE)
        );
        let mut headers = vec![("x-amz-copy-source", source.as_str())];
        if self.takes_sums() {
            headers.push(("x-amz-checksum-algorithm", "SHA256"));
        }
        if let Some(clothes) = clothes {
            headers.push(("x-amz-metadata-directive", "REPLACE"));
            headers.extend(clothes.headers());
        }
        let call = Call {
            headers: &headers,
            body: Some(b""),
            ..Call::new(Verb::Put, to)
        };
        let answer = self
            .call(&call)
            .map_err(|error| self.peer.lost(&step, error))?;
        match refusal(&answer.body) {
            Some(refusal) if refusal.code == "NoSuchKey" => Ok(false),
            Some(refusal) => Err(self.meaning(&step, &answer, &refusal)),
            None if answer.is_success() => Ok(true),
            None if answer.status == 404 => Ok(false),
            None => Err(self.refused(&step, &answer)),
        }
    }

    /// Removes an object that may be gone already.
    pub(super) fn delete(&self, key: &str) -> Result<(), ReleaseError> {
        let step = format!("DELETE {key}");
        let answer = self
            .call(&Call::new(Verb::Delete, key))
            .map_err(|error| self.peer.lost(&step, error))?;
        let code = refusal(&answer.body).map(|refusal| refusal.code);
        match answer.status {
            404 if code.as_deref() != Some("NoSuchBucket") => Ok(()),
            _ if answer.is_success() => Ok(()),
            // Stores on a file system stumble over a name that has become a folder's.
            500 if self.stat(key)?.is_none() => Ok(()),
            _ => Err(self.refused(&step, &answer)),
        }
    }
}

/// The SHA-256 of an object's whole content; sums of sums, as of objects sent in parts, do not say
/// what is in it.
fn whole_sum(answer: &Answer) -> Option<String> {
    if answer.header("x-amz-checksum-type") == Some("COMPOSITE") {
        return None;
    }
    let sum = answer.header("x-amz-checksum-sha256")?;
    let bytes = Base64::decode_vec(sum).ok()?;
    (bytes.len() == 32).then(|| hex(&bytes))
}

/// The URL of a request with its signature.
fn signed<'a>(mut action: impl S3Action<'a>, call: &Call<'a>) -> String {
    for (name, value) in call.query {
        action.query_mut().insert(*name, *value);
    }
    for (name, value) in call.headers {
        action.headers_mut().insert(*name, *value);
    }
    action.sign(SIGNED_FOR).into()
}

#[cfg(test)]
mod tests;
