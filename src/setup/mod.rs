//! What a repository under the rule has to have, and asking the machine what it has: the hooks'
//! text, the settings, the installed git, the account. Whoever puts it in place (`install`) and
//! whoever looks it over later (`doctor`) start from here.

mod account;
mod error;
mod git;
mod layout;
pub(crate) mod nonces;
mod programs;
mod settings;
mod shims;

pub(crate) use account::{Account, acting, group_named};
pub use error::SetupError;
pub(crate) use git::{Git, Setting, Settings};
pub use layout::Layout;
pub(crate) use layout::{Place, is_runner};
pub(crate) use programs::{GATE, LOCK, Programs, VERSION_LINE, WHOLE};
pub(crate) use settings::{HIDDEN, WANTED};
pub(crate) use shims::{CLIENT, Found, SERVER, Shim, look};

/// The oldest git that relhook is tested with.
pub const OLDEST_GIT: (u32, u32) = (2, 39);
