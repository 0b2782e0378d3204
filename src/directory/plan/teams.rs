//! What becomes of the teams.

use super::{Change, Conflict, Planning, Remark, counts};
use crate::policy::rewrite::Register;
use crate::types::{PersonName, TeamName};
use std::collections::BTreeSet;

impl Planning<'_> {
    /// Brings the teams that the settings name to what their groups say.
    pub(super) fn teams(&mut self) {
        let none = BTreeSet::new();
        for (team, membership) in &self.snapshot.teams {
            let before = self.old.teams.get(team).unwrap_or(&none).clone();
            if !membership.others.is_empty() {
                self.remarks.push(Remark::Others {
                    team: team.clone(),
                    others: membership.others.iter().cloned().collect(),
                });
            }
            let (kept, others): (BTreeSet<PersonName>, BTreeSet<PersonName>) = before
                .iter()
                .cloned()
                .partition(|name| self.settings.keep.contains(name));
            let members = self.members(&membership.accounts, &before);
            let nobody = !members.iter().any(|name| counts(&self.register, name));
            let had = others.iter().any(|name| counts(self.old, name));
            if nobody && had && !self.waivers.empty.contains(team) {
                self.conflicts.push(Conflict::EmptyTeam {
                    team: team.clone(),
                    before: others.into_iter().collect(),
                });
                continue;
            }
            let all: BTreeSet<PersonName> = members.into_iter().chain(kept).collect();
            if all.is_empty() {
                self.register.teams.remove(team);
            } else {
                self.register.teams.insert(team.clone(), all);
            }
        }
    }

    /// Who is in a team by these accounts. An account that is disabled brings nobody in; whoever is
    /// disabled altogether and was in the team stays, for what they objected to.
    fn members(
        &self,
        accounts: &BTreeSet<usize>,
        before: &BTreeSet<PersonName>,
    ) -> BTreeSet<PersonName> {
        let by = |at: &usize| {
            let name = self.whose.get(at)?;
            let works = self.account(*at)?.is_enabled();
            let gone = !counts(&self.register, name) && before.contains(name);
            (works || gone).then(|| name.clone())
        };
        accounts.iter().filter_map(by).collect()
    }
}

/// What is different about the teams.
pub(super) fn changes(old: &Register, new: &Register, changes: &mut Vec<Change>) {
    let none = BTreeSet::new();
    let teams: BTreeSet<&TeamName> = old.teams.keys().chain(new.teams.keys()).collect();
    for team in teams {
        let (before, after) = (old.teams.get(team).unwrap_or(&none), new.teams.get(team));
        let Some(after) = after else {
            let team = team.clone();
            changes.push(Change::TeamGone { team });
            continue;
        };
        let come: Vec<PersonName> = after.difference(before).cloned().collect();
        let gone: Vec<PersonName> = before.difference(after).cloned().collect();
        if !(come.is_empty() && gone.is_empty()) {
            let team = team.clone();
            changes.push(Change::Team { team, come, gone });
        }
    }
}
