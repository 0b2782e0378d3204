//! What a target of the policy is: where releases go, and how.

use super::{Care, PathGlobs};
use crate::types::{RepoPath, TargetName};
use std::path::PathBuf;
use url::Url;

/// A place in production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The policy's name for it.
    pub name: TargetName,
    /// The folder of the tree that is released; the whole tree if absent. No trailing `/`.
    pub from: Option<String>,
    /// Globs, in the tree's own paths, of what is not released; `.git*` never is.
    pub exclude: PathGlobs,
    /// What else the policy says of what the target is to hold.
    pub contents: Contents,
    /// Globs, in the tree's own paths, of what is put into place after everything else.
    pub last: PathGlobs,
    /// How it is looked after.
    pub care: Care,
    /// Where and how.
    pub kind: TargetKind,
}

/// What of the tree a target is to hold, and as what, where the policy says more than a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Globs, in the tree's own paths, of what alone is released; everything if absent.
    pub include: Option<PathGlobs>,
    /// What becomes of symbolic links; where it is absent, they are kept where the target can
    /// hold them and refused elsewhere.
    pub symlinks: Option<Symlinks>,
    /// Where the content of submodules is.
    pub submodules: Vec<Submodule>,
    /// The folder of the server's machine with the content of Git LFS pointers.
    pub lfs: Option<PathBuf>,
    /// Which attributes of the tree's own `.gitattributes` count.
    pub export: Export,
    /// Which names the place can hold.
    pub names: Names,
}

/// What becomes of symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symlinks {
    /// They are released as links.
    Keep,
    /// What they lead to is released in their place, if that is in the tree.
    Follow,
    /// A tree with links is not released.
    Refuse,
}

/// A submodule whose content is released, from a repository on the server's own machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submodule {
    /// Where it is in the tree.
    pub path: String,
    /// The repository's own folder: its objects hold the commit that the tree names.
    pub repository: PathBuf,
}

/// Which of the tree's attributes count; none where the policy does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Export {
    /// Whether `export-ignore` keeps a path out.
    pub ignore: bool,
    /// Whether `export-subst` lets `$Format:…$` be replaced.
    pub subst: bool,
}

/// Which names a place can hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Names {
    /// Those of a Unix machine, in which case matters.
    #[default]
    Unix,
    /// Those that Windows and macOS hold too: no two that differ in case or accents' spelling
    /// alone, no reserved ones.
    Portable,
}

impl Target {
    /// A target of this kind that holds the whole tree.
    #[must_use]
    pub fn new(name: TargetName, kind: TargetKind) -> Self {
        Self {
            name,
            from: None,
            exclude: PathGlobs::default(),
            contents: Contents::default(),
            last: PathGlobs::default(),
            care: Care::default(),
            kind,
        }
    }
}

/// Where a release goes and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetKind {
    /// A directory on the server's own machine.
    Dir(DirTarget),
    /// An FTP site.
    Ftp(FtpTarget),
    /// A directory of another machine, over SFTP.
    Sftp(SftpTarget),
    /// A directory of another machine, by rsync over ssh.
    Rsync(RsyncTarget),
    /// A folder of a Subversion repository.
    Svn(SvnTarget),
    /// Wherever a program of the user's own brings it.
    Command(CommandTarget),
    /// A bucket of an S3-compatible store.
    S3(S3Target),
    /// A folder of a WebDAV server.
    Webdav(WebdavTarget),
}

impl TargetKind {
    /// The name of the file in the policy's `keys/` with the authorities to trust, where one is.
    #[must_use]
    pub fn ca(&self) -> Option<&str> {
        match self {
            Self::Dir(_) | Self::Sftp(_) | Self::Rsync(_) | Self::Command(_) => None,
            Self::Svn(target) => match &target.access {
                SvnAccess::Https { ca, .. } => ca.as_deref(),
                SvnAccess::Plain { .. } | SvnAccess::Ssh(_) => None,
            },
            Self::Ftp(target) => target.ca.as_deref(),
            Self::S3(target) => target.ca.as_deref(),
            Self::Webdav(target) => target.ca.as_deref(),
        }
    }

    /// What relhook has to know to be let in.
    #[must_use]
    pub fn account(&self) -> Account {
        match self {
            Self::Dir(_) | Self::Command(_) => Account::None,
            Self::Ftp(_) | Self::Webdav(_) => Account::Password,
            Self::Sftp(_) | Self::Rsync(_) => Account::Ssh,
            Self::Svn(target) => match &target.access {
                SvnAccess::Plain { .. } | SvnAccess::Https { .. } => Account::Password,
                SvnAccess::Ssh(_) => Account::Ssh,
            },
            Self::S3(_) => Account::Keys,
        }
    }
}

/// What a target's credentials are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// There are none.
    None,
    /// A user and a password.
    Password,
    /// A user, and a key unless an agent has it.
    Ssh,
    /// The keys of a store.
    Keys,
}

impl Account {
    /// The lines that its file has to hold, as people are told them; none where there is none.
    #[must_use]
    pub fn lines(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Password => Some("`user=` and `password=`"),
            Self::Ssh => Some("`user=` and `key=`"),
            Self::Keys => Some("`access_key=` and `secret_key=`"),
        }
    }
}

/// `releases/<n>` and a `current` symlink below a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirTarget {
    /// The absolute path.
    pub path: PathBuf,
    /// How many releases are kept; at least 1.
    pub keep: u32,
    /// What all releases share.
    pub shared: Vec<SharedPath>,
}

/// A path of a release that is a link to the same place for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPath {
    /// The path below a release, and below `shared/`.
    pub path: RepoPath,
    /// What is made where nothing is there yet.
    pub made_as: SharedKind,
}

/// What is made for a shared path where nothing is there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedKind {
    /// An empty folder.
    Folder,
    /// An empty file.
    File,
}

/// A directory of another machine, by rsync over ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsyncTarget {
    /// The host's name or address.
    pub host: String,
    /// The directory there: absolute, no trailing `/`.
    pub path: String,
    /// How to log in.
    pub login: SshLogin,
    /// Whether what travels is compressed, where the host does that.
    pub compress: bool,
}

/// How to log in to a host by ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshLogin {
    /// The port.
    pub port: u16,
    /// The host's keys: it has to have one of them. Never empty.
    pub host_keys: Vec<HostKey>,
    /// What proves who relhook is.
    pub proof: SshProof,
}

/// What proves to a host who relhook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SshProof {
    /// The private key that the target's credentials name.
    Key,
    /// The keys of the agent that relhook's environment names.
    Agent,
}

/// By what a host's public key is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKey {
    /// The key, as `known_hosts` writes it: its kind and its base64.
    Whole(String),
    /// The SHA-256 of the key, of whatever kind it is.
    Print([u8; 32]),
}

impl std::fmt::Display for HostKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use base64ct::{Base64Unpadded, Encoding};
        match self {
            Self::Whole(line) => f.write_str(line),
            Self::Print(hash) => write!(f, "SHA256:{}", Base64Unpadded::encode_string(hash)),
        }
    }
}

/// A folder of a Subversion repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SvnTarget {
    /// The host's name or address.
    pub host: String,
    /// The folder: repository and path in it, absolute, no trailing `/`.
    pub path: String,
    /// How it is reached.
    pub access: SvnAccess,
}

/// How a Subversion repository is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SvnAccess {
    /// svnserve without encryption; the policy had to say so.
    Plain {
        /// The port.
        port: u16,
    },
    /// svnserve over ssh.
    Ssh(SshLogin),
    /// A web server, over TLS.
    Https {
        /// The port.
        port: u16,
        /// The file in the policy's `keys/` folder (without `keys/`) with the authorities to trust,
        /// instead of the machine's.
        ca: Option<String>,
    },
}

impl SvnTarget {
    /// The folder's URL, without anybody's name in it.
    #[must_use]
    pub fn url(&self) -> String {
        let (scheme, port) = match &self.access {
            SvnAccess::Plain { port } if *port == 3690 => ("svn", String::new()),
            SvnAccess::Plain { port } => ("svn", format!(":{port}")),
            SvnAccess::Ssh(_) => ("svn+ssh", String::new()),
            SvnAccess::Https { port, .. } if *port == 443 => ("https", String::new()),
            SvnAccess::Https { port, .. } => ("https", format!(":{port}")),
        };
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        format!("{scheme}://{host}{port}{}", self.path)
    }
}

/// A program of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandTarget {
    /// Its absolute path on the server.
    pub program: PathBuf,
    /// What follows its name, word for word.
    pub args: Vec<String>,
    /// The variables of relhook's own environment that it gets.
    pub env: Vec<String>,
    /// How long it may take, in minutes.
    pub minutes: u32,
}

/// An FTP site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FtpTarget {
    /// The host's name or address.
    pub host: String,
    /// The control connection's port.
    pub port: u16,
    /// The directory on the site: absolute, no trailing `/` unless it is `/`.
    pub path: String,
    /// Whether and how the connection is encrypted.
    pub tls: TlsMode,
    /// The name of a file in the policy's `keys/` folder (without `keys/`) with the authorities to
    /// trust, instead of the machine's.
    pub ca: Option<String>,
    /// How many connections at once; 1 to 16.
    pub connections: u32,
}

/// A directory of another machine, over SFTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SftpTarget {
    /// The host's name or address.
    pub host: String,
    /// The directory there: absolute, no trailing `/` unless it is `/`.
    pub path: String,
    /// How to log in.
    pub login: SshLogin,
    /// Whether what travels is compressed, where the host does that.
    pub compress: bool,
}

/// How an FTP connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Not at all; the policy had to say so.
    Plain,
    /// `AUTH TLS` on the ordinary port (RFC 4217).
    Explicit,
    /// TLS from the first byte.
    Implicit,
}

/// A bucket of an S3-compatible store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Target {
    /// Where the store is: `https`, or `http` where the policy says so twice.
    pub endpoint: Url,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What every key begins with, without a `/` around it.
    pub prefix: Option<String>,
    /// How the bucket is named in a URL.
    pub addressing: Addressing,
    /// How a new release takes over.
    pub switch: S3Switch,
    /// What files are stored with; the first that matches decides.
    pub headers: Vec<Dress>,
    /// The name of a file in the policy's `keys/` folder with the authorities to trust, instead of
    /// the machine's.
    pub ca: Option<String>,
    /// How many connections at once; 1 to 32.
    pub connections: u32,
}

/// How a bucket is named in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// `https://store/bucket/key`.
    Path,
    /// `https://bucket.store/key`.
    VirtualHost,
}

/// How a new release takes over in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Switch {
    /// Object by object, in an order in which a site breaks least.
    IndexLast,
    /// Each release under a prefix of its own, and one small object that names it.
    Pointer {
        /// How many releases are kept; at least 1.
        keep: u32,
    },
}

/// What the files of some paths are stored with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dress {
    /// Which files: globs over the paths of the release.
    pub paths: PathGlobs,
    /// Their `Cache-Control`.
    pub cache_control: Option<String>,
    /// Their `Content-Type`, instead of the one that their ending tells.
    pub content_type: Option<String>,
}

/// A folder of a WebDAV server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebdavTarget {
    /// The folder's URL without a trailing `/`: `https`, or `http` where the policy says so twice.
    pub url: Url,
    /// How relhook says who it is.
    pub authentication: Authentication,
    /// How files are replaced.
    pub put: Replacing,
    /// The name of a file in the policy's `keys/` folder with the authorities to trust, instead of
    /// the machine's.
    pub ca: Option<String>,
    /// How many connections at once; 1 to 16.
    pub connections: u32,
}

/// How relhook says who it is to a WebDAV server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// User and password with every request, over TLS only.
    Basic,
    /// An answer to the server's challenge, in which the password is not.
    Digest,
}

/// How a file on a WebDAV server is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacing {
    /// It is sent under a temporary name beside its place, and moved.
    Beside,
    /// It is sent into its place: the server is known to show nothing of it before it has all.
    Whole,
}
