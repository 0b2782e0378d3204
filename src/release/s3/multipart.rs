//! Objects that go in parts: each part is checked by the store and tried again by itself, the whole
//! appears at once when it is complete, and what cannot be completed is taken back.

use super::store::{ANSWER_LIMIT, Call, Clothes, Store, Sums, Verb};
use crate::release::ReleaseError;
use crate::release::xml::{self, Namespace};
use quick_xml::escape::escape;
use std::fmt::Write;
use std::time::Duration;

/// Objects larger than this many bytes go in parts.
const WHOLE_LIMIT: usize = 32 * 1024 * 1024;

/// How large a part is, in bytes. A file has at most 1 GiB, and an upload at most 10,000 parts.
const PART: usize = 16 * 1024 * 1024;

/// How long to wait before each try of a part after the first, in milliseconds.
const WAITS: [u64; 3] = [250, 1000, 4000];

/// An upload that was begun.
struct Upload {
    id: String,
    /// Whether the store takes SHA-256 sums of its parts.
    sums: bool,
}

/// A part that the store has.
struct Part {
    etag: String,
    sha256: Option<String>,
}

impl Store {
    /// Stores an object.
    pub(super) fn put(
        &self,
        key: &str,
        bytes: &[u8],
        clothes: &Clothes,
        sent: &dyn Fn(usize),
    ) -> Result<(), ReleaseError> {
        if bytes.len() <= WHOLE_LIMIT {
            return self.put_whole(key, bytes, clothes, sent);
        }
        for upload in self.unfinished(key)? {
            self.abort(key, &upload)?;
        }
        let upload = self.begin(key, clothes)?;
        let parts = bytes
            .chunks(PART)
            .zip(1..)
            .map(|(piece, number)| self.part(key, &upload, number, piece, sent))
            .collect::<Result<Vec<Part>, _>>();
        let done = parts.and_then(|parts| self.complete(key, &upload.id, &parts));
        if done.is_err() {
            // What went wrong is worth more than what may go wrong now; the next try looks for
            // what is left.
            let _ = self.abort(key, &upload.id);
        }
        done
    }

    /// Begins an upload.
    fn begin(&self, key: &str, clothes: &Clothes) -> Result<Upload, ReleaseError> {
        let step = format!("POST {key}");
        let mut headers = clothes.headers();
        if self.takes_sums() {
            headers.push(("x-amz-checksum-algorithm", "SHA256"));
        }
        let call = Call {
            headers: &headers,
            body: Some(b""),
            ..Call::new(Verb::Begin, key)
        };
        let answer = self.done(&step, &call)?;
        let mut id = None;
        xml::read(&answer.body, Namespace::Any, &mut |names, text| {
            // The outer name is not the same with all stores.
            if let [_, "UploadId"] = names {
                id = Some(text.to_owned());
            }
        })
        .map_err(|why| self.peer.odd(&step, why))?;
        let sums = answer
            .header("x-amz-checksum-algorithm")
            .is_some_and(|name| name.eq_ignore_ascii_case("SHA256"));
        match id.filter(|id| !id.is_empty()) {
            Some(id) => Ok(Upload { id, sums }),
            None => Err(self.peer.odd(&step, "it names no upload".into())),
        }
    }

    /// Sends one part, and again if that can help.
    fn part(
        &self,
        key: &str,
        upload: &Upload,
        number: u32,
        piece: &[u8],
        sent: &dyn Fn(usize),
    ) -> Result<Part, ReleaseError> {
        let step = format!("PUT {key} part {number}");
        let (sums, number) = (Sums::of(piece), number.to_string());
        let mut headers = vec![("content-md5", sums.md5.as_str())];
        if upload.sums {
            headers.push(("x-amz-checksum-sha256", sums.sha256.as_str()));
        }
        let call = Call {
            query: &[
                ("partNumber", number.as_str()),
                ("uploadId", upload.id.as_str()),
            ],
            headers: &headers,
            body: Some(piece),
            sent,
            ..Call::new(Verb::Put, key)
        };
        let mut waits = WAITS.iter();
        let answer = loop {
            match (self.done(&step, &call), waits.next()) {
                (Ok(answer), _) => break answer,
                (Err(error), Some(wait)) if error.is_transient() => {
                    std::thread::sleep(Duration::from_millis(*wait));
                }
                (Err(error), _) => return Err(error),
            }
        };
        self.same_sum(&step, &answer, &sums)?;
        match answer.header("etag") {
            Some(etag) => Ok(Part {
                etag: etag.to_owned(),
                sha256: upload.sums.then_some(sums.sha256),
            }),
            None => Err(self.peer.odd(&step, "it names no part".into())),
        }
    }

    /// Makes the object of its parts. The answer may be an error although it began as a success.
    fn complete(&self, key: &str, upload: &str, parts: &[Part]) -> Result<(), ReleaseError> {
        let mut body = String::from("<CompleteMultipartUpload>");
        for (part, number) in parts.iter().zip(1..) {
            let etag = escape(&part.etag);
            let sum = match &part.sha256 {
                Some(sum) => format!("<ChecksumSHA256>{sum}</ChecksumSHA256>"),
                None => String::new(),
            };
            // Writing to a string does not fail.
            let _ = write!(
                body,
                "<Part>{sum}<ETag>{etag}</ETag><PartNumber>{number}</PartNumber></Part>"
            );
        }
        body.push_str("</CompleteMultipartUpload>");
        let step = format!("POST {key}");
        let call = Call {
            body: Some(body.as_bytes()),
            ..Call::new(Verb::Complete(upload), key)
        };
        self.done(&step, &call).map(drop)
    }

    fn abort(&self, key: &str, upload: &str) -> Result<(), ReleaseError> {
        let step = format!("DELETE {key} upload");
        let call = Call {
            query: &[("uploadId", upload)],
            ..Call::new(Verb::Delete, key)
        };
        let answer = self
            .call(&call)
            .map_err(|error| self.peer.lost(&step, error))?;
        match answer.is_success() || answer.status == 404 {
            true => Ok(()),
            false => Err(self.refused(&step, &answer)),
        }
    }

    /// Uploads of exactly this key that a killed run began. Their parts cost money and are seen in
    /// no listing. Stores that cannot tell are believed to have none.
    fn unfinished(&self, key: &str) -> Result<Vec<String>, ReleaseError> {
        let step = format!("LIST uploads of {key}");
        let call = Call {
            query: &[("prefix", key), ("uploads", "")],
            limit: ANSWER_LIMIT,
            ..Call::new(Verb::Get, "")
        };
        let answer = self
            .call(&call)
            .map_err(|error| self.peer.lost(&step, error))?;
        if matches!(answer.status, 400 | 403 | 404 | 405 | 501) {
            return Ok(Vec::new());
        }
        if !answer.is_success() {
            return Err(self.refused(&step, &answer));
        }
        uploads(&answer.body, key).map_err(|why| self.peer.odd(&step, why))
    }
}

/// The ids of the uploads of `key` in a listing.
fn uploads(body: &[u8], key: &str) -> Result<Vec<String>, String> {
    const ROOT: &str = "ListMultipartUploadsResult";
    let (mut found, mut of, mut id) = (Vec::new(), String::new(), String::new());
    xml::read(body, Namespace::Any, &mut |names, text| match names {
        [ROOT, "Upload", "Key"] => text.clone_into(&mut of),
        [ROOT, "Upload", "UploadId"] => text.clone_into(&mut id),
        [ROOT, "Upload"] => {
            if of == key && !id.is_empty() {
                found.push(std::mem::take(&mut id));
            }
            of.clear();
            id.clear();
        }
        _ => {}
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::uploads;

    #[test]
    fn only_uploads_of_the_very_key_are_taken_for_ours() {
        let text = "<ListMultipartUploadsResult><Upload><Key>a</Key><UploadId>1</UploadId></Upload>\
            <Upload><Key>a.b</Key><UploadId>2</UploadId></Upload><Upload><Key>a</Key></Upload>\
            <Upload><UploadId>3</UploadId></Upload></ListMultipartUploadsResult>";
        assert_eq!(uploads(text.as_bytes(), "a").unwrap(), ["1"]);
        assert!(uploads(b"<a", "a").is_err());
    }
}
