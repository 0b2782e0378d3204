//! What files are stored with, so that browsers know what they get and how long they may keep it.

use super::Store;

/// What an object is stored with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Clothes {
    /// Its `Content-Type`.
    pub(in super::super) content_type: String,
    /// Its `Cache-Control`.
    pub(in super::super) cache_control: Option<String>,
}

impl Clothes {
    pub(in super::super) fn headers(&self) -> Vec<(&str, &str)> {
        let cache = self.cache_control.as_deref();
        let cache = cache.map(|value| ("cache-control", value));
        let kind = ("content-type", self.content_type.as_str());
        std::iter::once(kind).chain(cache).collect()
    }
}

/// The kind of content that a file's ending tells. Text that is UTF-8 says so.
fn content_type(path: &str, bytes: &[u8]) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let kind = mime_guess::from_path(name)
        .first_raw()
        .unwrap_or("application/octet-stream");
    match kind.starts_with("text/") && std::str::from_utf8(bytes).is_ok() {
        true => format!("{kind}; charset=utf-8"),
        false => kind.to_owned(),
    }
}

impl Store {
    /// What an object is to be stored with, by its path below the prefix.
    pub(in super::super) fn clothes(&self, path: &str, bytes: &[u8]) -> Clothes {
        let path = path.trim_start_matches('/');
        let matching = || {
            let all = self.dresses.iter();
            all.filter(move |dress| dress.paths.is_match(path.as_bytes()))
        };
        let told = matching().find_map(|dress| dress.content_type.clone());
        Clothes {
            content_type: told.unwrap_or_else(|| content_type(path, bytes)),
            cache_control: matching().find_map(|dress| dress.cache_control.clone()),
        }
    }

    /// Whether a copy from one path to another would be stored with the right things.
    pub(in super::super) fn same_clothes(&self, from: &str, to: &str) -> bool {
        self.clothes(from, b"") == self.clothes(to, b"")
    }
}
