//! What a push brings, listed before it is answered: every commit and tag that was not here
//! before, whatever ref names it, or none.

use super::Stop;
use super::progress::Ticker;
use crate::audit::{ArrivalsRecord, AuditLog, Hash};
use crate::facts::{Fault, Pusher};
use crate::ledger::{Ledger, OpenPush};
use crate::server::Server;
use crate::types::{Claimant, Oid, hex};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// So many ids stand in the entry itself: a list of its own costs one more sync of the disk.
const FEW: usize = 100;
/// So many ids are in one list: at 41 bytes, half of what one piece of evidence may hold.
const LIST: usize = 50_000;
/// So long may the looking take.
const LIMIT: Duration = Duration::from_secs(600);

/// Lists what arrives, for whoever pushes. What is long is kept as evidence. Nothing where nothing
/// arrives.
pub(super) fn arrivals(server: &Server, pusher: &Pusher) -> Result<Option<ArrivalsRecord>, Stop> {
    let Some(quarantine) = server.store.quarantine() else {
        return Ok(None);
    };
    let mut listing = Listing::new(&server.log);
    let mut ticker = Ticker::new();
    server.store.arrivals(&mut |found, looked_at| {
        if let Some(oid) = found {
            listing.add(oid)?;
        }
        let count = listing.count;
        ticker.tick(|| format!("{looked_at} objects looked at, {count} commits and tags are new"));
        if ticker.since() > LIMIT {
            return Err(Stop::from(Fault::TooLarge {
                what: format!("more than can be looked at in {} seconds", LIMIT.as_secs()),
            }));
        }
        Ok(())
    })?;
    let count = listing.count;
    let Listed { oids, lists } = listing.end()?;
    if oids.is_empty() && lists.is_empty() {
        return Ok(None);
    }
    Ok(Some(ArrivalsRecord {
        by: Claimant::of(pusher),
        quarantine: Some(place(server, quarantine)),
        count,
        oids,
        lists,
    }))
}

/// Finds out how the pushes before this one ended, of which that is not known. Those whose quarantine
/// is gone are over; the store is looked at after that was seen, so it has what they put there.
pub(super) fn settle(
    server: &Server,
    ledger: &Ledger,
    mut over: Vec<OpenPush>,
) -> Result<(), Stop> {
    let objects = objects(server);
    let is_over = |push: &OpenPush| {
        let place = push.quarantine.as_ref();
        place.is_none_or(|place| is_gone(&objects.join(place)))
    };
    over.retain(is_over);
    if !over.is_empty() {
        server.store.look_again()?;
    }
    ledger.settle(&over, &|oid| Ok(server.store.is_settled(oid)?))
}

/// Whether a quarantine is certainly no more. One that cannot be looked at may still be in use, and
/// a push that is taken for over too early loses its claims.
fn is_gone(quarantine: &Path) -> bool {
    quarantine.try_exists().is_ok_and(|there| !there)
}

fn objects(server: &Server) -> PathBuf {
    server.store.common_dir().join("objects")
}

/// The quarantine as it is recorded: by its name, where it is among the repository's objects.
fn place(server: &Server, quarantine: &Path) -> String {
    let below = quarantine.strip_prefix(objects(server));
    below.unwrap_or(quarantine).to_string_lossy().into_owned()
}

/// Ids for the record: a few for the entry itself, or the evidence that lists them.
pub(super) struct Listed {
    pub oids: Vec<Oid>,
    pub lists: Vec<Hash>,
}

/// Brings ids into the form that the record has them in. What is long is kept as evidence.
pub(super) fn listed(server: &Server, oids: impl IntoIterator<Item = Oid>) -> Result<Listed, Stop> {
    let mut listing = Listing::new(&server.log);
    for oid in oids {
        listing.add(oid)?;
    }
    listing.end()
}

/// Ids on their way into the record.
struct Listing<'a> {
    log: &'a AuditLog,
    few: Vec<Oid>,
    lists: Vec<Hash>,
    count: u64,
}

impl<'a> Listing<'a> {
    fn new(log: &'a AuditLog) -> Self {
        Self {
            log,
            few: Vec::new(),
            lists: Vec::new(),
            count: 0,
        }
    }

    fn add(&mut self, oid: Oid) -> Result<(), Stop> {
        self.few.push(oid);
        self.count += 1;
        if self.few.len() == LIST {
            self.keep()?;
        }
        Ok(())
    }

    fn keep(&mut self) -> Result<(), Stop> {
        self.few.sort_unstable();
        let mut text = String::with_capacity(self.few.len() * 41);
        for oid in self.few.drain(..) {
            text.push_str(&hex(oid.as_bytes()));
            text.push('\n');
        }
        self.lists.push(self.log.keep(text.as_bytes())?);
        Ok(())
    }

    fn end(mut self) -> Result<Listed, Stop> {
        if self.few.len() > FEW {
            self.keep()?;
        }
        self.few.sort_unstable();
        Ok(Listed {
            oids: self.few,
            lists: self.lists,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::is_gone;

    #[test]
    fn i_12_a_quarantine_that_cannot_be_looked_at_is_not_gone() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("incoming-x");
        assert!(is_gone(&place));
        std::os::unix::fs::symlink(&place, &place).unwrap();
        assert!(!is_gone(&place));
        assert!(!is_gone(&dir.path().join("x".repeat(5000))));
    }
}
