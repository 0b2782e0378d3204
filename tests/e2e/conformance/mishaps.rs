//! Whatever goes wrong, the next run ends as an undisturbed one.

use super::scene::{Scene, unnumbered};
use super::{Has, Kind};
use crate::release_kit::released;
use relhook::release::{Order, Outcome};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Two releases that differ in all ways, with enough in them to be caught at it.
struct Pair {
    old: Vec<(String, String)>,
    new: Vec<(String, String)>,
}

impl Pair {
    fn make() -> Self {
        let files = |version: &str, only: &[&str]| {
            let line = format!("{version} of it\n");
            let mut files: Vec<(String, String)> = (0..24)
                .map(|n| (format!("d{}/f{n}", n % 5), line.repeat(1 + n * 150)))
                .collect();
            files.push(("same".into(), "same".into()));
            files.push(("film".into(), line.repeat(40_000)));
            files.extend(only.iter().map(|name| ((*name).into(), line.clone())));
            files
        };
        Self {
            old: files(
                "old",
                &["gone/deep/x", "gone/y", "kind", "kinds/p/q", "index.html"],
            ),
            new: files("new", &["fresh/deep/z", "kind/a", "kinds", "index.html"]),
        }
    }

    fn old(&self) -> Vec<(&str, &str)> {
        self.old.iter().map(|(a, b)| (&**a, &**b)).collect()
    }

    fn fresh(&self) -> Vec<(&str, &str)> {
        self.new.iter().map(|(a, b)| (&**a, &**b)).collect()
    }
}

/// What relhook keeps for itself on the target, whichever releases are kept.
pub fn own<K: Kind>(scene: &Scene<K>) -> BTreeSet<String> {
    let own = scene.kind.own();
    own.iter().map(|name| unnumbered(name)).collect()
}

/// A scene in which the old release is, others' files beside it, and what an undisturbed run to the
/// new one takes and leaves of relhook's own.
fn begins<K: Kind>(pair: &Pair) -> (Scene<K>, Duration, BTreeSet<String>) {
    let mut scene = Scene::<K>::new();
    scene.puts("uploads/theirs", "theirs");
    scene.arrives(&pair.old());
    let began = Instant::now();
    scene.arrives(&pair.fresh());
    let took = began.elapsed();
    let own = own(&scene);
    (scene, took, own)
}

/// The run after the one that was disturbed.
#[track_caller]
pub fn ends<K: Kind>(
    scene: &Scene<K>,
    order: &Order,
    files: &[(&str, &str)],
    clean: &BTreeSet<String>,
) {
    // What a killed program of relhook's was at may take a moment to let go.
    let deadline = Instant::now() + Duration::from_secs(60);
    let outcome = loop {
        match scene.release(order) {
            Err(error) if error.is_transient() && Instant::now() < deadline => {}
            outcome => break outcome,
        }
    };
    let well = matches!(outcome, Ok(Outcome::Released(..) | Outcome::UpToDate(_)));
    assert!(well, "{outcome:?}");
    scene.holds(files);
    assert_eq!(&own(scene), clean);
}

/// SIGKILL at moments all over the run.
pub fn d_08_u_07_a_release_that_is_killed_is_carried_on<K: Kind>() {
    let pair = Pair::make();
    let (mut scene, took, clean) = begins::<K>(&pair);
    let (mut caught, mut moment, mut longest) = (0, 0, took);
    for _ in 0..24 {
        scene.arrives(&pair.old());
        let order = scene.ordered(&pair.fresh());
        let mut child = scene.starts(&order);
        while moment > 0 && !began(&scene, &order) && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        // The first is killed before it has touched anything, later ones later.
        std::thread::sleep(longest.mul_f64(f64::from(moment) / 8.0));
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        scene.holds_no_half(&pair.old(), &pair.fresh());
        caught += u32::from(began(&scene, &order) && ended.is_none());
        ends(&scene, &order, &pair.fresh(), &clean);
        match (ended, caught) {
            (None, _) if moment == 5 => break,
            (None, _) => moment += 1,
            // The machine was busier when the time was taken.
            (Some(_), 0) => longest /= 4,
            (Some(_), _) => break,
        }
    }
    assert!(caught > 0, "no run was killed at work");
}

/// Whether a run for the order got as far as to change something.
fn began<K: Kind>(scene: &Scene<K>, order: &Order) -> bool {
    use relhook::release::{Phase, snapshot};
    let snapshot = snapshot(&scene.bench.folder(), &order.target.name);
    snapshot.is_some_and(|one| one.commit == order.commit && one.phase != Phase::Comparing)
}

/// The server is ended in the middle and comes back: the run that was on says so, and the next one
/// brings the rest.
pub fn u_07_a_server_that_goes_away_finds_the_next_run_ready<K: Kind>() {
    let pair = Pair::make();
    let (mut scene, took, clean) = begins::<K>(&pair);
    let mut noticed = 0;
    for moment in 0..12 {
        scene.arrives(&pair.old());
        let order = scene.ordered(&pair.fresh());
        let running = scene.runs(&order);
        std::thread::sleep(took.mul_f64(f64::from(moment) / 12.0));
        scene.kind.leaves();
        let outcome = running.join().unwrap();
        scene.holds_no_half(&pair.old(), &pair.fresh());
        scene.kind.returns();
        match (&outcome, K::NATURE.server) {
            (Ok(_), _) => {}
            (Err(error), Has::Yes) => {
                assert!(error.is_transient(), "{error}");
                noticed += 1;
            }
            (Err(error), Has::No(_)) => panic!("{error}"),
        }
        ends(&scene, &order, &pair.fresh(), &clean);
        if noticed == 4 || K::NATURE.server != Has::Yes {
            break;
        }
    }
    assert_eq!(noticed > 0, K::NATURE.server == Has::Yes);
    let order = scene.ordered(&pair.old());
    released(scene.release(&order));
}
