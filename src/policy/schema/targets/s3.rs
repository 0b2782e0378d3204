//! `kind: s3`: a bucket of any S3-compatible store.

use super::web::{TLS_KEY, address};
use super::{Kind, count, optional_ca};
use crate::policy::complaint::Complaints;
use crate::policy::fields::{self, Fields};
use crate::policy::schema::rules::path_globs;
use crate::policy::schema::{checked, checked_text};
use crate::policy::values;
use crate::policy::yaml::Node;
use crate::policy::{Addressing, Dress, Fault, PathGlobs, S3Switch, S3Target, TargetKind};

/// How many connections are used where the policy does not say.
const CONNECTIONS: u32 = 8;

/// How many releases are kept where the policy does not say.
const KEEP: u32 = 5;

/// The region that stores without regions go by.
const REGION: &str = "us-east-1";

/// The kind.
pub(super) const S3: Kind = Kind {
    name: "s3",
    keys: &[
        "endpoint",
        "region",
        "bucket",
        "prefix",
        "addressing",
        "switch",
        "keep",
        "headers",
        TLS_KEY,
        "ca",
        "connections",
    ],
    read: |fields, complaints| s3(fields, complaints).map(TargetKind::S3),
};

fn s3(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<S3Target> {
    const ADDRESSING: [(&str, Addressing); 2] = [
        ("path", Addressing::Path),
        ("virtual-host", Addressing::VirtualHost),
    ];
    let endpoint = address(fields, "endpoint", complaints);
    let region = checked_text(fields, "region", complaints, values::region);
    let bucket = fields.required("bucket", complaints, |node, what, complaints| {
        checked(node, what, complaints, values::bucket)
    });
    let prefix = fields.get("prefix").map(|entry| {
        checked(&entry.value, "prefix", complaints, values::prefix).map(|prefix| prefix.value)
    });
    let addressing = match fields.get("addressing") {
        None => Some(Addressing::Path),
        Some(entry) => fields::choice(&entry.value, "addressing", &ADDRESSING, complaints),
    };
    let switch = switch(fields, complaints);
    let headers = match fields.get("headers") {
        None => Some(Vec::new()),
        Some(entry) => dresses(&entry.value, complaints),
    };
    let ca = optional_ca(fields, complaints);
    let connections = count(fields, "connections", 1..=32, CONNECTIONS, complaints);
    let bucket = bucket?;
    if addressing == Some(Addressing::VirtualHost) && !values::is_host_label(&bucket.value) {
        let (what, why) = ("bucket", "cannot be part of a host's name");
        let fault = Fault::Value {
            what: what.to_owned(),
            why: why.to_owned(),
        };
        complaints.hinted(bucket.at, fault, "write `addressing: path`");
        return None;
    }
    Some(S3Target {
        endpoint: endpoint?,
        region: region?.unwrap_or_else(|| REGION.to_owned()),
        bucket: bucket.value,
        prefix: match prefix {
            None => None,
            Some(read) => Some(read?),
        },
        addressing: addressing?,
        switch: switch?,
        headers: headers?,
        ca: ca?,
        connections: connections?,
    })
}

/// How a new release takes over. `keep` belongs to the form that keeps releases.
fn switch(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<S3Switch> {
    const POINTER: bool = true;
    const FORMS: [(&str, bool); 2] = [("index-last", !POINTER), ("pointer", POINTER)];
    let pointer = match fields.get("switch") {
        None => !POINTER,
        Some(entry) => fields::choice(&entry.value, "switch", &FORMS, complaints)?,
    };
    if pointer {
        let keep = count(fields, "keep", 1..=1000, KEEP, complaints)?;
        return Some(S3Switch::Pointer { keep });
    }
    if let Some(entry) = fields.get("keep") {
        let (what, why) = ("keep", "`switch: index-last` keeps no earlier release");
        let fault = Fault::Value {
            what: what.to_owned(),
            why: why.to_owned(),
        };
        complaints.hinted(
            entry.key_at,
            fault,
            "write `switch: pointer`, or leave it out",
        );
        return None;
    }
    Some(S3Switch::IndexLast)
}

/// What files are stored with, by their paths.
fn dresses(node: &Node, complaints: &mut Complaints) -> Option<Vec<Dress>> {
    let list = fields::list(node, "headers", 100, complaints)?;
    list.iter().map(|item| dress(item, complaints)).collect()
}

fn dress(node: &Node, complaints: &mut Complaints) -> Option<Dress> {
    const KNOWN: [&str; 3] = ["match", "cache-control", "content-type"];
    let what = ("headers", node.at);
    let fields = Fields::read(node, what, "an entry of `headers`", &KNOWN, complaints)?;
    let globs = fields.required("match", complaints, path_globs)?;
    let globs: Vec<String> = globs.into_iter().map(|glob| glob.value).collect();
    let cache_control = checked_text(&fields, "cache-control", complaints, values::header);
    let content_type = checked_text(&fields, "content-type", complaints, values::header);
    Some(Dress {
        paths: PathGlobs::compile(&globs).ok()?,
        cache_control: cache_control?,
        content_type: content_type?,
    })
}
