//! The short way against the whole way, on random trees: the same plan, and the same record.

use super::*;
use crate::policy::{PathGlobs, Target};
use crate::release::{Head, Header, Manifest, Plan, Print};
use crate::types::{TargetName, Timestamp};
use git2::{FileMode, Repository, build::TreeUpdateBuilder};
use proptest::prelude::*;

/// Paths with the number of their content, and whether they can be run.
type Files = BTreeMap<String, (u8, bool)>;

struct World {
    _folder: tempfile::TempDir,
    repository: Repository,
    source: Source,
    target: Target,
    surface: Surface,
}

impl World {
    fn new(surface: Surface) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let source = Source::open(folder.path()).unwrap();
        let kind = crate::policy::TargetKind::Dir(crate::policy::DirTarget {
            path: "/srv/www".into(),
            keep: 3,
            shared: Vec::new(),
        });
        let mut target = Target::new(TargetName::new("site"), kind);
        target.exclude = PathGlobs::compile(&["**/x".to_owned()]).unwrap();
        Self {
            _folder: folder,
            repository,
            source,
            target,
            surface,
        }
    }

    fn commit(&self, files: &Files) -> Oid {
        let mut update = TreeUpdateBuilder::new();
        for (path, (content, runs)) in files {
            let blob = self.repository.blob(&[*content]).unwrap();
            let mode = if *runs {
                FileMode::BlobExecutable
            } else {
                FileMode::Blob
            };
            update.upsert(path.as_str(), blob, mode);
        }
        let empty = self.repository.treebuilder(None).unwrap().write().unwrap();
        let empty = self.repository.find_tree(empty).unwrap();
        let tree = update.create_updated(&self.repository, &empty).unwrap();
        let tree = self.repository.find_tree(tree).unwrap();
        let who = git2::Signature::new("D", "d@example.org", &git2::Time::new(1, 0)).unwrap();
        let commit = self
            .repository
            .commit(None, &who, &who, "x", &tree, &[])
            .unwrap();
        Oid::from_bytes(commit.as_bytes()).unwrap()
    }

    fn listing(&self, commit: Oid) -> Listing {
        self.source
            .listing(commit, &self.target, self.surface)
            .unwrap()
    }

    fn footing(&self, commit: Oid) -> Footing {
        let footing = self.source.footing(commit, &self.target, self.surface);
        footing.unwrap().unwrap()
    }

    fn contents(&self, listing: &Listing) -> BTreeMap<RepoPath, Content> {
        let content = |(path, file): (&RepoPath, &ReleaseFile)| {
            let bytes = self.source.content(file).unwrap();
            let content = Content {
                blob: file.blob,
                size: file.size,
                sha256: hex(&Sha256::digest(bytes)),
            };
            (path.clone(), content)
        };
        listing.files.iter().map(content).collect()
    }

    /// The record of a release that ended well.
    fn manifest(&self, commit: Oid) -> Manifest {
        let listing = self.listing(commit);
        Manifest::new(
            header(commit),
            &listing,
            &self.contents(&listing),
            &dirs_of(&listing),
        )
        .unwrap()
    }

    fn short(&self, then: Oid, now: Oid) -> Short {
        let (then_at, now_at) = (self.footing(then), self.footing(now));
        let rules = (now, &self.target, self.surface);
        let trees = (then_at.tree, now_at.tree);
        let difference = self.source.difference(trees, rules, MOST).unwrap().unwrap();
        let files = self.listing(then).files.len();
        Short {
            known: Known::new("place", b"head", Print::of(b"base"), &then_at, files),
            listing: difference.now,
            before: difference.before,
            surface: self.surface,
        }
    }

    fn short_plan(&self, then: Oid, now: Oid) -> (Short, Holding, Plan) {
        let short = self.short(then, now);
        let dirs = dirs_of(&self.listing(then));
        let wanted = (now, &self.target);
        let holding = short
            .holding(&self.source, wanted, &self.footing(now), &dirs)
            .unwrap();
        let mut plan = plan(&short.listing, &holding);
        plan.unchanged += (short.known.files - short.before.len()) as u64;
        (short, holding, plan)
    }

    fn whole_plan(&self, then: Oid, now: Oid) -> (Holding, Plan) {
        let mut holding = self.manifest(then).holding().unwrap();
        let listing = self.listing(now);
        if self.surface == Surface::Sftp {
            let before = self.listing(then);
            for (path, file) in &before.files {
                if listing
                    .files
                    .get(path)
                    .is_some_and(|now| now.kind != file.kind)
                {
                    holding.files.insert(path.clone(), Held::Uncertain);
                }
            }
        }
        let plan = plan(&listing, &holding);
        (holding, plan)
    }
}

fn header(commit: Oid) -> Header {
    Header {
        repository: "acme/site".into(),
        refname: "refs/heads/prod".into(),
        commit,
        sequence: 12,
        released: Timestamp::from_unix(1_800_000_000),
    }
}

fn dirs_of(listing: &Listing) -> BTreeSet<RepoPath> {
    listing.files.keys().flat_map(ancestors).collect()
}

/// Some of them are never released: `x` by the policy, and git's own.
fn files() -> impl Strategy<Value = Files> {
    let names =
        proptest::collection::btree_map("[abxk](/[abxk]){0,3}", (0u8..4, any::<bool>()), 0..10);
    names.prop_map(|files| {
        let all: Vec<String> = files.keys().cloned().collect();
        let leads_on = |name: &String| {
            all.iter()
                .any(|other| other.starts_with(&format!("{name}/")))
        };
        let files = files.into_iter().filter(|(name, _)| !leads_on(name));
        files
            .map(|(name, file)| (name.replace('k', ".gitkeep"), file))
            .collect()
    })
}

fn surface() -> impl Strategy<Value = Surface> {
    prop_oneof![Just(Surface::Ftp), Just(Surface::Sftp)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn the_plan_is_that_of_the_whole_way(before in files(), after in files(), surface in surface()) {
        let world = World::new(surface);
        let (then, now) = (world.commit(&before), world.commit(&after));
        let (_, holding, mut short) = world.short_plan(then, now);
        let (whole_holding, mut whole) = world.whole_plan(then, now);
        prop_assert_eq!(&short, &whole);
        short.take_moves(&holding);
        whole.take_moves(&whole_holding);
        prop_assert_eq!(short, whole);
    }

    #[test]
    fn the_record_is_that_of_the_whole_way(all in proptest::collection::vec(files(), 2..5)) {
        let world = World::new(Surface::Ftp);
        let commits: Vec<Oid> = all.iter().map(|files| world.commit(files)).collect();
        let base = world.manifest(commits[0]);
        let print = Print::of(&base.body().unwrap());
        let mut head = Head::beside(print.clone(), &base);
        prop_assert_eq!(&head.over(&base).unwrap(), &base);
        for pair in commits.windows(2) {
            let (short, _, _) = world.short_plan(pair[0], pair[1]);
            let gone = short.before.keys().filter(|path| !short.listing.files.contains_key(*path));
            let contents = world.contents(&short.listing);
            let dirs = dirs_of(&world.listing(pair[1]));
            let changed = Manifest::new(header(pair[1]), &short.listing, &contents, &dirs).unwrap();
            head = head.followed(&changed, &gone.cloned().collect());
            let whole = world.manifest(pair[1]);
            prop_assert_eq!(&head.over(&base).unwrap(), &whole);
            let anew = Head::between(&base, print.clone(), &whole);
            prop_assert_eq!(&anew.over(&base).unwrap(), &whole);
        }
    }

    #[test]
    fn a_change_is_found_by_reading_what_leads_to_it_alone(before in files(), after in files()) {
        let world = World::new(Surface::Ftp);
        let (then, now) = (world.commit(&before), world.commit(&after));
        let short = world.short(then, now);
        let (old, new) = (world.listing(then).files, world.listing(now).files);
        let differs = |path: &&RepoPath| old.get(*path) != new.get(*path);
        let expected: BTreeSet<&RepoPath> = old.keys().chain(new.keys()).filter(differs).collect();
        let found: BTreeSet<&RepoPath> = short.before.keys().chain(short.listing.files.keys()).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn what_takes_more_than_the_tree_takes_the_whole_way() {
    use crate::policy::{Export, Names, Symlinks};
    let world = World::new(Surface::Ftp);
    let commit = world.commit(&Files::from([("a".into(), (1, false))]));
    let footing = |change: &dyn Fn(&mut Target)| {
        let mut target = world.target.clone();
        change(&mut target);
        world
            .source
            .footing(commit, &target, world.surface)
            .unwrap()
    };
    let plain = footing(&|_| {});
    assert!(plain.is_some());
    assert!(footing(&|target| target.contents.symlinks = Some(Symlinks::Follow)).is_none());
    assert!(footing(&|target| target.contents.names = Names::Portable).is_none());
    assert!(footing(&|target| target.contents.lfs = Some("/srv/lfs".into())).is_none());
    let export = Export {
        subst: true,
        ..Export::default()
    };
    assert!(footing(&|target| target.contents.export = export).is_none());
    // Other rules are another footing.
    let other = footing(&|target| target.exclude = PathGlobs::default());
    assert!(other.is_some() && other != plain);
}

#[test]
fn a_difference_that_is_too_large_takes_the_whole_way() {
    let world = World::new(Surface::Ftp);
    let many: Files = (0..40)
        .map(|n| (format!("d{}/f{n}", n % 7), (1, false)))
        .collect();
    let (then, now) = (world.commit(&Files::new()), world.commit(&many));
    let trees = (world.footing(then).tree, world.footing(now).tree);
    let rules = (now, &world.target, world.surface);
    assert!(world.source.difference(trees, rules, 39).unwrap().is_none());
    assert!(world.source.difference(trees, rules, 40).unwrap().is_some());
}
