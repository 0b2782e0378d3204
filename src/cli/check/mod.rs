//! `relhook check`: what the server would say to a push, before it is made. It is advice.

mod json;
mod render;

use super::{Answer, Exit};
use crate::client::{Assessment, Assumed, Freshness, Outlook, Planned, Workspace};
use crate::ui::Color;
use clap::Args;
use std::ffi::OsString;
use std::path::Path;

/// What `relhook check` is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 would be accepted, 1 would be refused, 2 usage, 3 cannot tell.

The policy is fetched from the remote and trusted as it comes the first time; later changes are
shown. This is advice: the server judges for itself, by what only it knows too.")]
pub struct CheckArgs {
    /// The remote, as for git push
    #[arg(value_name = "REMOTE")]
    remote: Option<OsString>,
    /// What to push, as for git push: a branch, or <commit>:<ref>
    #[arg(value_name = "REFSPEC")]
    refspecs: Vec<OsString>,
    /// Use what was fetched last instead of asking the remote
    #[arg(long)]
    offline: bool,
    /// Answer as JSON (relhook/check/v1)
    #[arg(long)]
    json: bool,
    /// Judge as if this person of the policy pushed
    #[arg(long = "as", value_name = "PERSON")]
    person: Option<String>,
}

/// Everything that an answer is made from.
struct Checked {
    workspace: Workspace,
    pusher: Assumed,
    planned: Vec<Planned>,
    assessment: Assessment,
    /// Whether the push has to be signed, and git would not do so by itself.
    unsigned: bool,
    /// The refspecs as they were given.
    refspecs: Vec<OsString>,
}

impl CheckArgs {
    /// Judges the push.
    ///
    /// # Errors
    /// When nothing can be told.
    pub fn run(&self, dir: &Path, color: Color) -> anyhow::Result<Answer> {
        let checked = self.check(dir)?;
        let text = if self.json {
            json::answer(&checked)
        } else {
            render::answer(&checked, color)
        };
        Ok(Answer {
            text,
            exit: match checked.assessment.outlook() {
                Outlook::Passes => Exit::Pass,
                Outlook::Refused => Exit::Refused,
                Outlook::Unclear => Exit::CannotTell,
            },
        })
    }

    fn check(&self, dir: &Path) -> anyhow::Result<Checked> {
        let freshness = if self.offline {
            Freshness::Offline
        } else {
            Freshness::Fetched
        };
        let workspace = Workspace::open(dir, self.remote.as_deref(), freshness)?;
        let pusher = match &self.person {
            Some(name) => Assumed::named(workspace.policy(), name)?,
            None => Assumed::configured(&workspace.git, workspace.policy())?,
        };
        let planned = workspace.planned(&self.refspecs)?;
        let assessment = workspace.assess(&planned, &pusher)?;
        let unsigned = workspace.wants_signature()?;
        Ok(Checked {
            unsigned,
            workspace,
            pusher,
            planned,
            assessment,
            refspecs: self.refspecs.clone(),
        })
    }
}
