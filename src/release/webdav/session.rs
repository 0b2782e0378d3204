//! One conversation with a WebDAV server: the few methods that a release needs, with typed answers.

use super::answer::{Resource, WANTED, failure, resources};
use super::dots::{Dots, Known};
use super::login::{self, Login};
use crate::http::{Answer, Ask, MAY_COMPRESS};
use crate::policy::{Replacing, WebdavTarget};
use crate::release::redact::Redactor;
use crate::release::site::{Connector, Copied, Entry, EntryKind, Placing, Session};
use crate::release::web::Peer;
use crate::release::{FileKind, Login as Account, ReleaseError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// The largest answer about files, in bytes.
const ANSWER_LIMIT: u64 = 128 * 1024 * 1024;

/// Why a server may not say what is in a folder.
const NO_PROPFIND: &str = "PROPFIND is not allowed there; on Apache, a folder with a start page needs \
                           `DirectoryIndex disabled`";

/// How many challenges are answered for one request.
const CHALLENGES: u32 = 2;

/// How many folders are looked into for the sake of one.
const FOLDERS: usize = 1000;

/// How many files are asked for together: those in one folder with one question.
const AHEAD: usize = 32;

/// How many files of one folder are asked for by listing it.
const SEVERAL: usize = 3;

/// What a path in a URL keeps as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// What opens sessions: all of them share the connections of one client.
pub(super) struct Servers {
    peer: Peer,
    target: WebdavTarget,
    credentials: Account,
    dots: Known,
}

impl Servers {
    /// The server of `target`.
    pub(super) fn new(
        target: &WebdavTarget,
        credentials: Account,
        ca: Option<&[u8]>,
    ) -> Result<Self, ReleaseError> {
        let redactor = Redactor::of_login(&credentials);
        Ok(Self {
            peer: Peer::new(&target.url, ca, target.connections, redactor)?,
            target: target.clone(),
            credentials,
            dots: Known::default(),
        })
    }
}

impl Connector for Servers {
    fn connect(&self) -> Result<Box<dyn Session>, ReleaseError> {
        Ok(Box::new(Conversation {
            peer: self.peer.clone(),
            base: self.target.url.clone(),
            login: Login::new(self.credentials.clone(), self.target.authentication),
            dots: self.dots.clone(),
            replaces: true,
        }))
    }

    fn sessions(&self) -> usize {
        self.target.connections as usize
    }

    fn ahead(&self) -> usize {
        AHEAD
    }

    fn placing(&self) -> Placing {
        match self.target.put {
            Replacing::Beside => Placing::Aside,
            Replacing::Whole => Placing::Direct,
        }
    }

    fn copies(&self) -> bool {
        true
    }
}

struct Conversation {
    peer: Peer,
    base: Url,
    login: Login,
    dots: Known,
    /// Whether the last file that was moved or copied took another one's place, or there was none yet: then the
    /// next one is likely to, and it is looked first.
    replaces: bool,
}

/// Whether a path is to be read as a file's or as a folder's: servers want a `/` behind the latter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    File,
    Folder,
}

/// A request without its address.
struct Words<'a> {
    method: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: Option<&'a [u8]>,
    sent: &'a dyn Fn(usize),
    limit: u64,
}

impl<'a> Words<'a> {
    fn new(method: &'a str, headers: &'a [(&'a str, &'a str)]) -> Self {
        Self {
            method,
            headers,
            body: None,
            sent: &|_| {},
            limit: ANSWER_LIMIT,
        }
    }
}

impl Conversation {
    /// The URL of a path below the target's folder.
    fn url(&self, path: &str, form: Form) -> Url {
        let below = path.trim_matches('/');
        let mut whole = self.base.path().trim_end_matches('/').to_owned();
        if !below.is_empty() {
            whole.push('/');
            whole.extend(utf8_percent_encode(below, PATH));
        }
        if form == Form::Folder {
            whole.push('/');
        }
        let mut url = self.base.clone();
        url.set_path(&whole);
        url
    }

    /// Sends a request, and again with an answer to the server's challenge where it asks for one: a
    /// first one, and one because the last has become too old meanwhile.
    fn send(&mut self, url: &Url, words: &Words<'_>) -> Result<Answer, ReleaseError> {
        let step = format!("{} {}", words.method, url.path());
        let mut challenges = 0..CHALLENGES;
        loop {
            let said = self.login.authorization(words.method, url.path());
            let said = said.map_err(|why| self.peer.odd(&step, why))?;
            let response = said.as_deref().and_then(login::response);
            self.peer.redactor.takes(response);
            let mut headers = words.headers.to_vec();
            headers.extend(said.iter().map(|said| ("authorization", said.as_str())));
            let answer = self
                .peer
                .client
                .send(&Ask {
                    method: words.method,
                    url: url.as_str(),
                    headers: &headers,
                    body: words.body,
                    sent: words.sent,
                    limit: words.limit,
                })
                .map_err(|error| self.peer.lost(&step, error))?;
            let again = answer.status == 401
                && challenges.next().is_some()
                && self.login.challenged(answer.headers("www-authenticate"));
            if !again {
                return Ok(answer);
            }
        }
    }

    /// The error that an answer is.
    fn no(&self, method: &str, url: &Url, answer: &Answer) -> ReleaseError {
        let step = format!("{method} {}", url.path());
        let text = String::from_utf8_lossy(&answer.body);
        // What a page says to people is long, and says the status in other words.
        let reply = match text.trim_start().starts_with('<') {
            true => "",
            false => &text,
        };
        self.peer.refused(&step, answer, reply)
    }

    /// What is at a path, and, at depth 1, right below it; nothing if there is nothing.
    fn look(
        &mut self,
        path: &str,
        form: Form,
        depth: &str,
    ) -> Result<Option<Vec<Resource>>, ReleaseError> {
        let url = self.url(path, form);
        let mut headers = vec![("content-type", "application/xml"), ("depth", depth)];
        // What is said of one file fits into a packet as it is.
        headers.extend((depth != "0").then_some(MAY_COMPRESS));
        let words = Words {
            body: Some(WANTED),
            ..Words::new("PROPFIND", &headers)
        };
        let answer = self.send(&url, &words)?;
        match answer.status {
            207 => {
                let step = format!("PROPFIND {}", url.path());
                let found = resources(&answer.body, &url);
                found.map(Some).map_err(|why| self.peer.odd(&step, why))
            }
            404 | 410 => Ok(None),
            // A folder that is asked for without its `/`.
            301 | 302 | 307 | 308 if form == Form::File && leads_to_folder(&answer, &url) => {
                self.look(path, Form::Folder, depth)
            }
            405 => {
                let step = format!("PROPFIND {}", url.path());
                Err(self.peer.odd(&step, NO_PROPFIND.into()))
            }
            // What Apache says of a name below a file, which is no name at all.
            400 if self.is_below_a_file(path, form)? => Ok(None),
            _ => Err(self.no("PROPFIND", &url, &answer)),
        }
    }

    /// Whether a path cannot be there, because it leads through a file, or ends in `/` behind one.
    fn is_below_a_file(&mut self, path: &str, form: Form) -> Result<bool, ReleaseError> {
        let above = match form {
            Form::Folder => path.trim_end_matches('/'),
            Form::File => path.rsplit_once('/').map_or("", |(above, _)| above),
        };
        if above.trim_start_matches('/').is_empty() {
            return Ok(false);
        }
        let found = self.stat(above, Form::File)?;
        Ok(found.is_none_or(|found| found.kind != EntryKind::Directory))
    }

    /// What is at a path.
    fn stat(&mut self, path: &str, form: Form) -> Result<Option<Resource>, ReleaseError> {
        let found = self.look(path, form, "0")?;
        Ok(found.and_then(|found| found.into_iter().next()))
    }

    /// Whether the server tells of a file anywhere below a folder.
    fn holds_a_file(&mut self, dir: &str) -> Result<bool, ReleaseError> {
        let mut open = vec![dir.to_owned()];
        while let Some(dir) = open.pop() {
            for entry in self.list(&dir)? {
                if entry.kind != EntryKind::Directory || open.len() > FOLDERS {
                    return Ok(true);
                }
                open.push(format!("{dir}/{}", entry.name));
            }
        }
        Ok(false)
    }

    /// Sends a request of which only success or failure is wanted.
    fn act(
        &mut self,
        url: &Url,
        method: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ReleaseError> {
        let mut answer = self.send(url, &Words::new(method, headers))?;
        if answer.status == 207 {
            let step = format!("{method} {}", url.path());
            let failed = failure(&answer.body).map_err(|why| self.peer.odd(&step, why))?;
            answer.status = failed.unwrap_or(200);
        }
        Ok(answer)
    }

    /// Moves or copies a file, over one that may be there, and never over a folder: a server would
    /// first remove the folder with all that is in it.
    fn transfer(&mut self, method: &str, from: &str, to: &str) -> Result<Answer, ReleaseError> {
        if !self.replaces || !self.is_file_there(method, to)? {
            let answer = self.transfer_once(method, from, to, "F")?;
            // There is something: a file, or a folder, which servers say in ways of their own.
            let stands = matches!(answer.status, 301 | 409 | 412);
            self.replaces = stands && self.is_file_there(method, to)?;
            if answer.status != 412 {
                return Ok(answer);
            }
        }
        self.transfer_once(method, from, to, "T")
    }

    fn transfer_once(
        &mut self,
        method: &str,
        from: &str,
        to: &str,
        overwrite: &str,
    ) -> Result<Answer, ReleaseError> {
        let (url, place) = (self.url(from, Form::File), self.url(to, Form::File));
        let headers = [
            ("destination", place.as_str()),
            ("overwrite", overwrite),
            ("depth", "infinity"),
        ];
        self.act(&url, method, &headers)
    }

    /// What folders that have several of these paths tell of them. What is missing here has to be asked for
    /// by itself.
    fn listed(&mut self, paths: &[String]) -> Result<Listed, ReleaseError> {
        let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for path in paths {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            folders.entry(folder).or_default().insert(name);
        }
        let mut known = Listed::new();
        for (folder, names) in folders {
            if names.len() < SEVERAL {
                continue;
            }
            let listed = self.list(&format!("{folder}/"))?;
            // nginx lists no name that begins with a dot, such as ours while a file is sent.
            let listable = names.iter().filter(|name| !name.starts_with('.'));
            known.extend(listable.map(|name| (format!("{folder}/{name}"), None)));
            for entry in listed {
                if names.contains(entry.name.as_str()) {
                    known.insert(format!("{folder}/{}", entry.name), Some(entry));
                }
            }
        }
        Ok(known)
    }

    /// Whether a file is in the place of one that is to come there. A folder is an error.
    fn is_file_there(&mut self, method: &str, to: &str) -> Result<bool, ReleaseError> {
        let there = self.stat(to, Form::File)?;
        if there
            .as_ref()
            .is_some_and(|there| there.kind == EntryKind::Directory)
        {
            let place = self.url(to, Form::File);
            return Err(ReleaseError::Refused {
                site: self.peer.site(),
                step: format!("{method} {}", crate::types::escape(place.path().as_bytes())),
                code: 412,
                reply: "a folder is in the place of the file".into(),
            });
        }
        Ok(there.is_some())
    }
}

/// What is there, or nothing, by path.
type Listed = BTreeMap<String, Option<Entry>>;

/// Whether a redirect of this very host says no more than that a folder's name ends in `/`.
fn leads_to_folder(answer: &Answer, asked: &Url) -> bool {
    let to = answer.header("location").and_then(|to| asked.join(to).ok());
    to.is_some_and(|to| {
        to.host_str() == asked.host_str() && to.path() == format!("{}/", asked.path())
    })
}

impl Session for Conversation {
    fn is_dir(&mut self, path: &str) -> Result<bool, ReleaseError> {
        let found = self.stat(path, Form::Folder)?;
        Ok(found.is_some_and(|found| found.kind == EntryKind::Directory))
    }

    fn size(&mut self, path: &str) -> Result<Option<u64>, ReleaseError> {
        let found = self.stat(path, Form::File)?;
        match found.filter(|found| found.kind != EntryKind::Directory) {
            None => Ok(None),
            Some(Resource {
                size: Some(size), ..
            }) => Ok(Some(size)),
            Some(_) => {
                let step = format!("PROPFIND {path}");
                Err(self.peer.odd(&step, "it tells no size".into()))
            }
        }
    }

    fn list(&mut self, path: &str) -> Result<Vec<Entry>, ReleaseError> {
        let own = self.url(path, Form::File);
        let own = percent_decode_str(own.path())
            .decode_utf8_lossy()
            .into_owned();
        let own = own.trim_end_matches('/');
        let found = self.look(path, Form::Folder, "1")?.unwrap_or_default();
        let mut entries = Vec::new();
        for resource in found {
            let name = resource.path.strip_prefix(own);
            let name = name.map(|rest| rest.strip_prefix('/').unwrap_or(rest));
            match name {
                Some("") => {}
                Some(name) if !name.contains('/') => entries.push(Entry {
                    name: name.to_owned(),
                    kind: resource.kind,
                    size: resource.size,
                    changed: resource.changed,
                }),
                Some(_) | None => {
                    let step = format!("PROPFIND {path}");
                    let why = "it tells of what was not asked for".into();
                    return Err(self.peer.odd(&step, why));
                }
            }
        }
        Ok(entries)
    }

    fn put(
        &mut self,
        path: &str,
        content: &[u8],
        _: FileKind,
        sent: &dyn Fn(usize),
    ) -> Result<(), ReleaseError> {
        let url = self.url(path, Form::File);
        let words = Words {
            body: Some(content),
            sent,
            ..Words::new("PUT", &[])
        };
        let answer = self.send(&url, &words)?;
        match answer.status {
            200 | 201 | 204 => Ok(()),
            _ => Err(self.no("PUT", &url, &answer)),
        }
    }

    fn get(&mut self, path: &str, limit: u64) -> Result<Vec<u8>, ReleaseError> {
        let url = self.url(path, Form::File);
        // No form but the one that was sent.
        let headers = [
            ("accept-encoding", "identity"),
            ("cache-control", "no-cache"),
        ];
        let words = Words {
            limit,
            ..Words::new("GET", &headers)
        };
        let answer = self.send(&url, &words)?;
        match answer.status {
            200 => Ok(answer.body),
            _ => Err(self.no("GET", &url, &answer)),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), ReleaseError> {
        let answer = self.transfer("MOVE", from, to)?;
        match answer.is_success() {
            true => Ok(()),
            false => Err(self.no("MOVE", &self.url(to, Form::File), &answer)),
        }
    }

    /// Looks first: a server removes a folder with all that is in it. Where one is now, the file is
    /// gone.
    fn delete(&mut self, path: &str) -> Result<(), ReleaseError> {
        let url = self.url(path, Form::File);
        match self.stat(path, Form::File)?.map(|found| found.kind) {
            None | Some(EntryKind::Directory) => return Ok(()),
            Some(EntryKind::File | EntryKind::Other | EntryKind::Untold) => {}
        }
        let answer = self.act(&url, "DELETE", &[])?;
        match answer.status {
            404 | 410 => Ok(()),
            _ if answer.is_success() => Ok(()),
            _ => Err(self.no("DELETE", &url, &answer)),
        }
    }

    fn make_dir(&mut self, path: &str) -> Result<(), ReleaseError> {
        let url = self.url(path, Form::Folder);
        let answer = self.act(&url, "MKCOL", &[])?;
        if answer.is_success() || (answer.status == 405 && self.is_dir(path)?) {
            return Ok(());
        }
        Err(self.no("MKCOL", &url, &answer))
    }

    /// Looks first, since a server would not ask whether it is empty. Where it does not tell of all
    /// that is in a folder, nobody can know that, and the folder stays.
    fn remove_dir(&mut self, path: &str) -> Result<bool, ReleaseError> {
        if !self.is_dir(path)? {
            return Ok(true);
        }
        if !self.list(path)?.is_empty() || self.dots.clone().of(self)? == Dots::Hidden {
            return Ok(false);
        }
        let url = self.url(path, Form::Folder);
        let answer = self.act(&url, "DELETE", &[])?;
        match answer.status {
            404 | 410 => Ok(true),
            403 | 409 => Ok(false),
            _ if answer.is_success() => Ok(true),
            _ => Err(self.no("DELETE", &url, &answer)),
        }
    }

    /// A move takes along what the server does not tell of.
    fn set_aside(&mut self, dir: &str, to: &str) -> Result<bool, ReleaseError> {
        // An earlier try may have done it, whose answer was lost.
        if !self.is_dir(dir)? {
            return Ok(true);
        }
        if self.dots.clone().of(self)? == Dots::Told || self.holds_a_file(dir)? {
            return Ok(false);
        }
        let (url, place) = (self.url(dir, Form::Folder), self.url(to, Form::Folder));
        let headers = [
            ("destination", place.as_str()),
            ("overwrite", "F"),
            ("depth", "infinity"),
        ];
        let answer = self.act(&url, "MOVE", &headers)?;
        match answer.is_success() {
            true => Ok(true),
            false => Err(self.no("MOVE", &url, &answer)),
        }
    }

    fn copy(&mut self, from: &str, to: &str) -> Result<Copied, ReleaseError> {
        let answer = self.transfer("COPY", from, to)?;
        match answer.status {
            404 | 405 | 501 => Ok(Copied::NotOffered),
            _ if answer.is_success() => Ok(Copied::Done),
            _ => Err(self.no("COPY", &self.url(to, Form::File), &answer)),
        }
    }

    /// One question for each folder that has several of them.
    fn sizes(&mut self, paths: &[String]) -> Result<Vec<Option<u64>>, ReleaseError> {
        let known = self.listed(paths)?;
        let found = paths.iter().map(|path| match known.get(path) {
            None => self.size(path),
            Some(Some(entry)) if entry.kind == EntryKind::File => Ok(entry.size),
            Some(_) => Ok(None),
        });
        found.collect()
    }

    /// One question for each folder that has several of them.
    fn are_dirs(&mut self, paths: &[String]) -> Result<Vec<bool>, ReleaseError> {
        let known = self.listed(paths)?;
        let found = paths.iter().map(|path| match known.get(path) {
            None => self.is_dir(path),
            Some(entry) => Ok(matches!(entry, Some(entry) if entry.kind == EntryKind::Directory)),
        });
        found.collect()
    }
}
