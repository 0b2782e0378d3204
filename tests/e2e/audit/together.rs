//! Many programs at one log.

use super::{Site, answered};
use relhook::audit::verify;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn l_03_eight_programs_at_once_lose_and_fork_nothing() {
    // Each goes over the end of a tile, and so does whoever reads meanwhile.
    let site = Site::of(500);
    let done = AtomicBool::new(false);
    let told = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut read = 0;
            while !done.load(Ordering::Relaxed) {
                site.audit(&["verify"]).assert_ok();
                read += 1;
            }
            read
        });
        let writers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| [(); 6].map(|()| answered(&site.audit(&["heartbeat"])))))
            .collect();
        let told: Vec<_> = writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect();
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 1);
        told
    });
    let sizes: BTreeSet<u64> = told.iter().map(|checkpoint| checkpoint.size).collect();
    assert_eq!(sizes, (501..=548).collect());
    let log = site.log();
    assert_eq!(verify(&log, |_| ()).unwrap().entries, 548);
    for checkpoint in &told {
        log.extends(checkpoint).unwrap();
    }
}
