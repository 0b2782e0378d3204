//! What is on a target is what its signed record says, and never an earlier release by chance.

use super::Kind;
use super::scene::Scene;
use crate::release_kit::{refused, released};
use relhook::release::Course;

/// A record that was edited, by however little, is not believed; nothing is changed until somebody
/// says so.
pub fn a_record_that_somebody_changed_is_refused<K: Kind>() {
    let mut scene = Scene::<K>::new();
    let (old, new) = ([("a", "1"), ("b", "1")], [("a", "2")]);
    scene.arrives(&old);
    let edit = |text: &str| text.replacen("\"path\":\"b\"", "\"path\":\"c\"", 1);
    scene.kind.edit_record(&scene.bench, &edit);
    let order = scene.ordered(&new);
    refused(scene.release(&order), 623);
    scene.holds(&old);
    let back = |text: &str| text.replacen("\"path\":\"c\"", "\"path\":\"b\"", 1);
    scene.kind.edit_record(&scene.bench, &back);
    released(scene.release(&order));
    scene.holds(&new);
}

/// What was accepted earlier does not come after what was accepted later, unless it is chosen; and
/// from there it goes on.
pub fn r_13_an_earlier_release_is_refused_unless_chosen<K: Kind>() {
    let mut scene = Scene::<K>::new();
    let (old, new) = ([("a", "1"), ("gone", "1")], [("a", "2"), ("d/new", "2")]);
    let mut earlier = scene.ordered(&old);
    released(scene.release(&earlier));
    scene.arrives(&new);
    refused(scene.release(&earlier), 618);
    scene.holds(&new);
    earlier.course = Course::Back;
    released(scene.release(&earlier));
    scene.holds(&old);
    scene.arrives(&new);
}
