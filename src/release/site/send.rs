//! Bringing content to the site: sent from the repository, or copied there by the site itself.

use super::journal::{Line, Parked, Stage};
use super::pool::{Objects, Pool};
use super::session::{Copied, Session};
use super::transfer::{Run, damaged, died};
use super::verify;
use crate::release::progress::Phase;
use crate::release::tree::BIG;
use crate::release::{Content, FileKind, ReleaseError, ReleaseFile};
use std::collections::BTreeSet;
use std::sync::Mutex;

/// How often a file that arrives damaged is sent.
const TRIES: u32 = 3;

impl Run<'_> {
    /// Sends every file under a temporary name, until each is there with its size.
    pub(super) fn send_aside(&self, pool: &mut Pool<'_>) -> Result<(), ReleaseError> {
        let mut all: Vec<usize> = (0..self.plan.puts.len()).collect();
        // The longest first, so that none of them is left when all else is done.
        all.sort_by_key(|at| std::cmp::Reverse(self.plan.puts.get(*at).map(|file| file.size)));
        self.until_whole(pool, &all, |pool, waiting| {
            pool.each(waiting, &|session, source, (at, file)| {
                self.send_one_aside(session, source, *at, file)
            })
        })
    }

    /// Sends every file into its place, until each is there with its size.
    pub(super) fn send_into_place(&self, pool: &mut Pool<'_>) -> Result<(), ReleaseError> {
        if self.plan.puts.is_empty() && self.plan.moves.is_empty() {
            return Ok(());
        }
        self.journal.enter(Stage::Placing)?;
        for group in self.groups() {
            self.until_whole(pool, &group.puts, |pool, waiting| {
                pool.each(waiting, &|session, source, (at, file)| {
                    self.send_one_into_place(session, source, *at, file)
                })
            })?;
        }
        if !self.plan.moves.is_empty() {
            self.journal.enter(Stage::Moving)?;
        }
        for group in self.groups() {
            self.rename_moves(pool, &group.moves)?;
        }
        Ok(())
    }

    /// Sends what is not there yet, looks at the sizes, and sends again what is damaged.
    fn until_whole(
        &self,
        pool: &mut Pool<'_>,
        which: &[usize],
        mut send: impl FnMut(&mut Pool<'_>, &[(usize, &ReleaseFile)]) -> Result<(), ReleaseError>,
    ) -> Result<(), ReleaseError> {
        let mut tries = 0;
        loop {
            let waiting = self.waiting(which)?;
            if tries == 0 {
                self.job.progress.phase(Phase::Sending, waiting.len());
            }
            if waiting.is_empty() {
                return Ok(());
            }
            send(pool, &waiting)?;
            tries += 1;
            if let Some(error) = self.take_out_damaged(pool, &waiting)?
                && tries >= TRIES
            {
                return Err(error);
            }
        }
    }

    fn waiting(&self, which: &[usize]) -> Result<Vec<(usize, &ReleaseFile)>, ReleaseError> {
        let arrived = self.arrived.lock().map_err(died)?;
        let placed = self.placed.lock().map_err(died)?;
        Ok(which
            .iter()
            .filter(|at| !arrived.contains_key(at) && !placed.contains_key(at))
            .filter_map(|at| Some((*at, self.plan.puts.get(*at)?)))
            .collect())
    }

    /// Looks at what was sent just now: its size, and its content as far as the site and the policy's
    /// `verify` let it be told. What is damaged is no longer counted as arrived; the first is told.
    fn take_out_damaged(
        &self,
        pool: &mut Pool<'_>,
        sent: &[(usize, &ReleaseFile)],
    ) -> Result<Option<ReleaseError>, ReleaseError> {
        let names: Vec<String> = {
            let arrived = self.arrived.lock().map_err(died)?;
            let name = |(at, file): &(usize, &ReleaseFile)| match arrived.get(at) {
                Some(parked) => Ok(parked.temp.clone()),
                None => self.at(&file.path),
            };
            sent.iter().map(name).collect::<Result<_, _>>()?
        };
        let sizes = pool.sizes(&names)?;
        let altered = self.altered(pool, sent, &names, &sizes)?;
        let mut first = None;
        for (((at, file), name), found) in sent.iter().zip(names).zip(sizes) {
            let error = match (found == Some(file.size), altered.contains(at)) {
                (true, false) => continue,
                (true, true) => ReleaseError::Altered {
                    path: file.path.clone(),
                    why: "it has another content".into(),
                },
                (false, _) => damaged(file, found),
            };
            if self.arrived.lock().map_err(died)?.remove(at).is_some() {
                self.strays.lock().map_err(died)?.push(name);
            }
            self.placed.lock().map_err(died)?.remove(at);
            first.get_or_insert(error);
        }
        Ok(first)
    }

    /// Those of the right size that have another content.
    fn altered(
        &self,
        pool: &mut Pool<'_>,
        sent: &[(usize, &ReleaseFile)],
        names: &[String],
        sizes: &[Option<u64>],
    ) -> Result<BTreeSet<usize>, ReleaseError> {
        let content = |at: &usize| -> Result<Option<Content>, ReleaseError> {
            let arrived = self.arrived.lock().map_err(died)?;
            if let Some(parked) = arrived.get(at) {
                return Ok(Some(parked.content.clone()));
            }
            Ok(self.placed.lock().map_err(died)?.get(at).cloned())
        };
        let mut whole = Vec::new();
        for (((at, file), name), found) in sent.iter().zip(names).zip(sizes) {
            // A link is read where it leads, so its size has to do.
            if *found == Some(file.size)
                && file.kind != FileKind::Symlink
                && let Some(content) = content(at)?
            {
                whole.push((*at, name, content));
            }
        }
        let depth = self.job.order.target.care.verify;
        let altered = Mutex::new(BTreeSet::new());
        pool.each(&whole, &|session, _, (at, name, content)| {
            if verify::other_content(session, depth, name, content)? {
                altered.lock().map_err(died)?.insert(*at);
            }
            Ok(())
        })?;
        altered.into_inner().map_err(died)
    }

    fn send_one_aside(
        &self,
        session: &mut dyn Session,
        source: &Objects,
        at: usize,
        file: &ReleaseFile,
    ) -> Result<(), ReleaseError> {
        let temp = self.temp(&file.path)?;
        self.journal.note(&Line::Temp(temp.clone()))?;
        let content = match self.bring(session, source, file, &temp) {
            Ok(content) => content,
            Err(error) => {
                self.strays.lock().map_err(died)?.push(temp);
                return Err(error);
            }
        };
        self.journal
            .note(&Line::Sent(at, temp.clone(), content.sha256.clone()))?;
        let parked = Parked {
            temp,
            path: file.path.clone(),
            content,
        };
        self.arrived.lock().map_err(died)?.insert(at, parked);
        self.job.progress.step();
        Ok(())
    }

    fn send_one_into_place(
        &self,
        session: &mut dyn Session,
        source: &Objects,
        at: usize,
        file: &ReleaseFile,
    ) -> Result<(), ReleaseError> {
        let content = self.bring(session, source, file, &self.at(&file.path)?)?;
        self.journal
            .note(&Line::Placed(at, content.sha256.clone()))?;
        self.placed.lock().map_err(died)?.insert(at, content);
        self.job.progress.uploaded();
        Ok(())
    }

    /// Brings a file's content to `name`, by a copy on the site where that can be had.
    fn bring(
        &self,
        session: &mut dyn Session,
        source: &Objects,
        file: &ReleaseFile,
        name: &str,
    ) -> Result<Content, ReleaseError> {
        if let Some(content) = self.copied(session, file, name)? {
            return Ok(content);
        }
        let _one_at_a_time = match file.size > BIG {
            true => Some(self.big.lock().map_err(died)?),
            false => None,
        };
        let bytes = source.content(file)?;
        session.put(name, &bytes, file.kind, &|sent| {
            self.job.progress.sent(sent);
        })?;
        Ok(Content::of(file, &bytes))
    }

    /// Lets the site copy the content from another of its files, and looks at the copy as at what is
    /// sent: somebody may have changed what was copied.
    fn copied(
        &self,
        session: &mut dyn Session,
        file: &ReleaseFile,
        name: &str,
    ) -> Result<Option<Content>, ReleaseError> {
        let Some((path, content)) = self.sources.get(&file.blob) else {
            return Ok(None);
        };
        // Whatever the reason for a refusal: the file can be sent.
        let copied = match session.copy(&self.at(path)?, name) {
            Ok(copied) => copied,
            Err(error) if error.is_transient() => return Err(error),
            Err(_) => Copied::NotOffered,
        };
        match copied {
            Copied::NotOffered => Ok(None),
            Copied::Done => {
                let depth = self.job.order.target.care.verify;
                let same = session.size(name)? == Some(content.size)
                    && !verify::other_content(session, depth, name, content)?;
                Ok(same.then(|| content.clone()))
            }
        }
    }
}
