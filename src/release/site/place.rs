//! Putting files into place by renames, what others refer to first.

use super::journal::{Line, Parked, Stage};
use super::pool::Pool;
use super::session::Session;
use super::transfer::{Run, died};
use super::verify;
use crate::release::progress::Phase;
use crate::release::{Content, ReleaseError};

/// A rename on the site, as one step of a batch.
struct Rename {
    from: String,
    to: String,
    size: u64,
    done: Line,
    /// What it has to hold, where this run did not send it.
    carried: Option<Content>,
}

impl Run<'_> {
    /// Renames every file into its place, part by part.
    pub(super) fn put_into_place(&self, pool: &mut Pool<'_>) -> Result<(), ReleaseError> {
        let all = self.plan.puts.len() + self.plan.moves.len();
        if all == 0 {
            return Ok(());
        }
        self.journal.enter(Stage::Moving)?;
        self.job.progress.phase(Phase::Moving, all);
        for group in self.groups() {
            let renames: Vec<Rename> = {
                let arrived = self.arrived.lock().map_err(died)?;
                let parked = group.puts.iter();
                parked
                    .filter_map(|at| Some((*at, arrived.get(at)?)))
                    .map(|(at, parked)| self.rename(at, parked))
                    .collect::<Result<_, _>>()?
            };
            self.carry(pool, &renames)?;
            self.rename_moves(pool, &group.moves)?;
        }
        Ok(())
    }

    /// Renames files that are on the site already.
    pub(super) fn rename_moves(
        &self,
        pool: &mut Pool<'_>,
        which: &[usize],
    ) -> Result<(), ReleaseError> {
        let steps = which
            .iter()
            .filter_map(|at| Some((*at, self.plan.moves.get(*at)?)));
        let renames: Vec<Rename> = steps
            .map(|(at, step)| {
                Ok(Rename {
                    from: self.at(&step.from)?,
                    to: self.at(&step.file.path)?,
                    size: step.content.size,
                    done: Line::Renamed(at),
                    carried: Some(step.content.clone()),
                })
            })
            .collect::<Result<_, ReleaseError>>()?;
        self.carry(pool, &renames)
    }

    fn rename(&self, at: usize, parked: &Parked) -> Result<Rename, ReleaseError> {
        Ok(Rename {
            from: parked.temp.clone(),
            to: self.at(&parked.path)?,
            size: parked.content.size,
            done: Line::Moved(at),
            carried: None,
        })
    }

    fn carry(&self, pool: &mut Pool<'_>, renames: &[Rename]) -> Result<(), ReleaseError> {
        pool.batches(renames, &|session, batch| self.rename_all(session, batch))
    }

    fn rename_all(&self, session: &mut dyn Session, batch: &[Rename]) -> Result<(), ReleaseError> {
        // A batch comes again after a broken connection; what was confirmed is not asked again.
        let open: Vec<&Rename> = {
            let done = self.renamed.lock().map_err(died)?;
            let open = batch.iter().filter(|step| !done.contains(&step.done));
            open.collect()
        };
        let pairs: Vec<(String, String)> = open
            .iter()
            .map(|step| (step.from.clone(), step.to.clone()))
            .collect();
        let (mut refused, mut carried) = (Vec::new(), Vec::new());
        session.renames(&pairs, &mut |at, result| {
            let Some(step) = open.get(at) else {
                return Ok(());
            };
            match result {
                Ok(()) if step.carried.is_some() => {
                    carried.push(*step);
                    Ok(())
                }
                Ok(()) => self.confirmed(step),
                Err(error @ ReleaseError::Refused { .. }) if !error.is_transient() => {
                    refused.push((*step, error));
                    Ok(())
                }
                Err(error) => Err(error),
            }
        })?;
        // It may be in its place already: by a try whose answer was lost, or by a killed run's last
        // command.
        for (step, error) in refused {
            let moved =
                session.size(&step.from)?.is_none() && session.size(&step.to)? == Some(step.size);
            match (moved, &step.carried) {
                (false, _) => return Err(error),
                (true, Some(_)) => carried.push(step),
                (true, None) => self.confirmed(step)?,
            }
        }
        for step in carried {
            self.looked_at(session, step)?;
        }
        Ok(())
    }

    /// Confirms a rename of what was on the site already, once it holds what the record says. Until
    /// then it is uncertain, and a run that follows sends the file.
    fn looked_at(&self, session: &mut dyn Session, step: &Rename) -> Result<(), ReleaseError> {
        let depth = self.job.order.target.care.verify;
        if let (Some(content), Line::Renamed(at)) = (&step.carried, &step.done)
            && let Some(of) = self.plan.moves.get(*at)
            && verify::other_content(session, depth, &step.to, content)?
        {
            return Err(ReleaseError::Altered {
                path: of.file.path.clone(),
                why: "it was changed on the site before it was renamed".into(),
            });
        }
        self.confirmed(step)
    }

    fn confirmed(&self, step: &Rename) -> Result<(), ReleaseError> {
        self.journal.note(&step.done)?;
        self.renamed.lock().map_err(died)?.insert(step.done.clone());
        self.job.progress.uploaded();
        Ok(())
    }
}
