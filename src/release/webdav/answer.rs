//! What a WebDAV server says of its files: the 207 answer, read strictly.

use crate::release::site::EntryKind;
use crate::release::xml::{self, Namespace};
use crate::types::Timestamp;
use percent_encoding::percent_decode_str;
use url::Url;

/// How many entries one answer may have.
const ENTRY_LIMIT: usize = 200_000;

/// What is asked for.
pub(super) const WANTED: &[u8] = b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <propfind xmlns=\"DAV:\"><prop><resourcetype/><getcontentlength/><getlastmodified/></prop></propfind>";

/// A file or a folder of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    /// Its path on the host, decoded, without a trailing `/`.
    pub(super) path: String,
    /// A file or a directory.
    pub(super) kind: EntryKind,
    /// A file's size in bytes, if the server says it.
    pub(super) size: Option<u64>,
    /// When it was last changed, if the server says it.
    pub(super) changed: Option<Timestamp>,
}

/// What a response has said so far.
#[derive(Default)]
struct Told {
    href: Option<String>,
    status: Option<u16>,
    folder: bool,
    size: Option<u64>,
    changed: Option<Timestamp>,
}

/// The properties of one `propstat`, which count if its status is a success.
#[derive(Default)]
struct Group {
    status: Option<u16>,
    folder: bool,
    size: Option<u64>,
    changed: Option<Timestamp>,
}

/// The resources of an answer to a question at `asked`. What is on another host, or whose name
/// cannot be read, is an error: such an answer is not about what was asked.
pub(super) fn resources(body: &[u8], asked: &Url) -> Result<Vec<Resource>, String> {
    let (mut told, mut group) = (Told::default(), Group::default());
    let (mut all, mut whole) = (Vec::new(), false);
    let mut fault = None;
    xml::read(body, Namespace::Dav, &mut |names, text| match names {
        ["multistatus", "response", "href"] => told.href = Some(text.to_owned()),
        ["multistatus", "response", "status"] => told.status = status(text),
        ["multistatus", "response", "propstat", rest @ ..] => match rest {
            ["prop", "resourcetype", "collection"] => group.folder = true,
            ["prop", "getcontentlength"] => group.size = text.parse().ok(),
            ["prop", "getlastmodified"] => group.changed = moment(text),
            ["status"] => group.status = status(text),
            [] => {
                let group = std::mem::take(&mut group);
                if group.status.is_some_and(|status| status / 100 == 2) {
                    told.folder |= group.folder;
                    told.size = told.size.or(group.size);
                    told.changed = told.changed.or(group.changed);
                }
            }
            _ => {}
        },
        ["multistatus", "response"] => {
            let told = std::mem::take(&mut told);
            let here = told.status.is_none_or(|status| status / 100 == 2);
            if here && all.len() < ENTRY_LIMIT {
                match resource(told, asked) {
                    Ok(resource) => all.push(resource),
                    Err(why) => fault = Some(why),
                }
            } else if here {
                fault = Some("the folder has too many files".into());
            }
        }
        ["multistatus"] => whole = true,
        _ => {}
    })?;
    match (fault, whole) {
        (Some(why), _) => Err(why),
        (None, true) => Ok(all),
        (None, false) => Err("it is not a `multistatus`".into()),
    }
}

/// The first failure that an answer about several resources tells.
pub(super) fn failure(body: &[u8]) -> Result<Option<u16>, String> {
    let mut failed = None;
    xml::read(body, Namespace::Dav, &mut |names, text| {
        if let ["multistatus", "response", "status"] = names {
            let bad = status(text).filter(|status| status / 100 != 2);
            failed = failed.or(bad);
        }
    })?;
    Ok(failed)
}

fn resource(told: Told, asked: &Url) -> Result<Resource, String> {
    let href = told.href.ok_or("a response names no resource")?;
    let url = asked
        .join(&href)
        .map_err(|_| "a response names what is no URL".to_owned())?;
    // A server behind another one may not know the scheme, or the name, that it is reached by; what
    // counts is the path.
    let path = percent_decode_str(url.path())
        .decode_utf8()
        .map_err(|_| "a name is not UTF-8".to_owned())?;
    Ok(Resource {
        path: path.trim_end_matches('/').to_owned(),
        kind: match told.folder {
            true => EntryKind::Directory,
            false => EntryKind::File,
        },
        size: told.size.filter(|_| !told.folder),
        changed: told.changed,
    })
}

/// The code in `HTTP/1.1 200 OK`.
fn status(text: &str) -> Option<u16> {
    let code = text.split_ascii_whitespace().nth(1)?;
    (code.len() == 3).then(|| code.parse().ok()).flatten()
}

fn moment(text: &str) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp::from_unix(time.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Vec<Resource>, String> {
        let asked = Url::parse("https://dav.example/site/").unwrap();
        resources(body.as_bytes(), &asked)
    }

    #[test]
    fn what_apache_and_nginx_say_is_read() {
        let apache = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">\
            <D:response xmlns:lp1=\"DAV:\" xmlns:lp2=\"http://apache.org/dav/props/\"><D:href>/site/</D:href>\
            <D:propstat><D:prop><lp1:resourcetype><D:collection/></lp1:resourcetype>\
            <lp1:getlastmodified>Sat, 28 Nov 2026 15:00:00 GMT</lp1:getlastmodified></D:prop>\
            <D:status>HTTP/1.1 200 OK</D:status></D:propstat>\
            <D:propstat><D:prop><D:getcontentlength/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>\
            </D:response><D:response xmlns:lp1=\"DAV:\"><D:href>/site/caf%c3%a9%20%26%23.html</D:href>\
            <D:propstat><D:prop><lp1:resourcetype/><lp1:getcontentlength>42</lp1:getcontentlength></D:prop>\
            <D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>";
        let all = read(apache).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].path.as_str(), all[0].kind),
            ("/site", EntryKind::Directory)
        );
        assert_eq!(all[0].changed.unwrap().to_string(), "2026-11-28T15:00:00Z");
        assert_eq!(
            (all[1].path.as_str(), all[1].size),
            ("/site/café &#.html", Some(42))
        );
        let absolute = "<multistatus xmlns=\"DAV:\"><response><href>http://inner:8080/site/a/</href>\
            <propstat><prop><resourcetype><collection/></resourcetype></prop>\
            <status>HTTP/1.1 200 OK</status></propstat></response>\
            <response><href>/site/b</href><status>HTTP/1.1 404 Not Found</status></response></multistatus>";
        let all = read(absolute).unwrap();
        assert_eq!((all.len(), all[0].path.as_str()), (1, "/site/a"));
    }

    #[test]
    fn u_17_hostile_answers_are_refused() {
        for bad in [
            "",
            "<html/>",
            "<multistatus/>",
            "<multistatus xmlns=\"DAV:\">",
            "<multistatus xmlns=\"DAV:\"><response/></multistatus>",
            "<multistatus xmlns=\"DAV:\"><response><href>/%ff</href></response></multistatus>",
            "<multistatus xmlns=\"DAV:\"><response><href>http://[</href></response></multistatus>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]><multistatus xmlns=\"DAV:\"/>",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let empty = "<multistatus xmlns=\"DAV:\"></multistatus>";
        assert_eq!(read(empty).unwrap(), []);
    }

    #[test]
    fn a_failure_among_many_is_found() {
        let text = "<multistatus xmlns=\"DAV:\"><response><href>/a</href><status>HTTP/1.1 423 Locked</status>\
            </response></multistatus>";
        assert_eq!(failure(text.as_bytes()).unwrap(), Some(423));
        assert_eq!(failure(b"<multistatus xmlns=\"DAV:\"/>").unwrap(), None);
    }
}
