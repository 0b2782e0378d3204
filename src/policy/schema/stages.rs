//! `stages`: the order in which targets are released to, and what holds a release in between.

use super::{
    At, Complaints, Distinct, Fault, Fields, Node, StageEntry, StagedEntry, Value, checked, fields,
    names, read_as, values,
};

/// The most stages.
const MAX_STAGES: usize = 50;

/// Every stage, in the order of the list.
pub(super) fn stages(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<StageEntry>> {
    let list = fields::list(node, what, MAX_STAGES, complaints)?;
    let mut read = Vec::new();
    for item in list {
        let stage = stage(item, complaints);
        read.extend(complaints.explained(item.at, stage));
    }
    Some(read)
}

/// A stage is its name, or a mapping with its name and what holds a release before it.
fn stage(node: &Node, complaints: &mut Complaints) -> Option<StageEntry> {
    const KNOWN: [&str; 2] = ["name", "hold"];
    match &node.value {
        Value::Map(_) => {}
        Value::Scalar(_) | Value::List(_) | Value::Faulty => {
            return Some(StageEntry {
                name: stage_name(node, "stages", complaints)?,
                after: None,
                lift: Vec::new(),
                lifter: None,
            });
        }
    }
    let fields = Fields::read(node, ("stages", node.at), "a stage", &KNOWN, complaints)?;
    let name = fields.required("name", complaints, stage_name);
    let hold = fields.optional("hold", complaints, hold);
    let (after, lift, lifter) = hold.unwrap_or_default();
    Some(StageEntry {
        name: name?,
        after,
        lift,
        lifter,
    })
}

fn stage_name(node: &Node, what: &str, complaints: &mut Complaints) -> Option<At<String>> {
    checked(node, what, complaints, values::name)
}

type Hold = (
    Option<crate::types::Seconds>,
    Vec<At<String>>,
    Option<At<Distinct>>,
);

/// `none`, or a mapping that says for how long, and who lifts it.
fn hold(node: &Node, what: &str, complaints: &mut Complaints) -> Option<Hold> {
    const KNOWN: [&str; 3] = ["after", "lift", "lifter"];
    const LIFTER: [(&str, Distinct); 3] = [
        ("anyone", Distinct::FromNobody),
        ("not-contributor", Distinct::FromContributors),
        ("third-person", Distinct::FromApproversToo),
    ];
    match &node.value {
        Value::Map(_) => {}
        Value::Scalar(_) | Value::List(_) | Value::Faulty => {
            return fields::choice(node, what, &[("none", ())], complaints)
                .map(|()| (None, Vec::new(), None));
        }
    }
    let fields = Fields::read(node, (what, node.at), "`hold`", &KNOWN, complaints)?;
    let after = fields.optional("after", complaints, |node, what, complaints| {
        read_as(node, what, complaints, values::delay)
    });
    let lift = fields.optional("lift", complaints, names);
    let lifter = fields.optional("lifter", complaints, |node, what, complaints| {
        let value = fields::choice(node, what, &LIFTER, complaints)?;
        Some(At { value, at: node.at })
    });
    if fields.get("after").is_none() && fields.get("lift").is_none() {
        let (key, place) = ("lift", "`hold`".to_owned());
        let hint = "say who lifts it (`lift: [<team>]`), or how long it lasts (`after: 30m`)";
        complaints.hinted(fields.at(), Fault::MissingKey { key, place }, hint);
    }
    if fields.get("lift").is_none()
        && let Some(lifter) = &lifter
    {
        let (what, why) = ("lifter".to_owned(), "nobody is to lift it".to_owned());
        let hint = "add `lift: [<team>]`";
        complaints.hinted(lifter.at, Fault::Value { what, why }, hint);
    }
    Some((
        after.map(|span| span.value),
        lift.unwrap_or_default(),
        lifter,
    ))
}

/// Each target with the stage that it names. What is wrong with the targets themselves is said
/// where they are read.
pub(super) fn staged(targets: &Node, complaints: &mut Complaints) -> Vec<StagedEntry> {
    let Value::Map(entries) = &targets.value else {
        return Vec::new();
    };
    let mut staged = Vec::new();
    for entry in entries {
        let Value::Map(keys) = &entry.value.value else {
            continue;
        };
        let named = keys.iter().find(|key| key.key.text == "stage");
        let stage = named.map(|key| {
            let name = stage_name(&key.value, "stage", complaints);
            complaints.explained(key.key_at, name)
        });
        let stage = match stage {
            // It has been complained about.
            Some(None) => continue,
            Some(Some(name)) => Some(name),
            None => None,
        };
        staged.push(StagedEntry {
            target: At {
                value: entry.key.text.clone(),
                at: entry.key_at,
            },
            stage,
        });
    }
    staged
}
