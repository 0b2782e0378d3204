//! What the report of a verdict (`relhook/verdict/v1`) has of a change that its entry has not: whose
//! approval counted as another's, which checks passed, who overrode a window or a freeze.

use super::model::{CheckOf, InStead, OverrideOf};
use serde_json::Value;
use std::collections::BTreeSet;

/// What was told of one ref.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) in_stead: BTreeSet<InStead>,
    pub(super) checks: Vec<CheckOf>,
    pub(super) overridden: Vec<OverrideOf>,
}

impl Told {
    /// Of this ref, escaped. What is missing in the report, or not of its form, was not told.
    pub(super) fn of(report: &Value, refname: &str) -> Self {
        let updates = list(report, "updates");
        let own = updates.iter().find(|update| {
            let name = update.get("ref").and_then(Value::as_str);
            name == Some(refname)
        });
        let Some(update) = own else {
            return Self::default();
        };
        let covers = list(update, "commits").iter();
        let covers = covers.flat_map(|commit| list(commit, "covered_by"));
        let in_stead = covers.filter_map(|cover| {
            Some(InStead {
                of: text(cover, "in_stead_of")?,
                person: text(cover, "person")?,
            })
        });
        let checks = list(update, "checks").iter().filter_map(|check| {
            Some(CheckOf {
                check: text(check, "check")?,
                machine: text(check, "machine")?,
            })
        });
        let overridden = list(update, "overridden").iter().filter_map(|one| {
            Some(OverrideOf {
                name: text(one, "name")?,
                person: text(one, "person")?,
                reason: text(one, "reason"),
            })
        });
        Self {
            in_stead: in_stead.collect(),
            checks: checks.collect(),
            overridden: overridden.collect(),
        }
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    let list = value.get(key).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

fn text(value: &Value, key: &str) -> Option<String> {
    Some(value.get(key)?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_told_of_a_ref_is_found_and_nothing_of_another() {
        let report = json!({ "updates": [
            { "ref": "refs/heads/other", "checks": [{ "check": "scan", "machine": "ci" }] },
            {
                "ref": "refs/heads/prod",
                "commits": [{ "covered_by": [
                    { "person": "dora", "in_stead_of": "rita" },
                    { "person": "remy" },
                ]}],
                "checks": [{ "check": "tests", "machine": "ci", "by": "8d01e77" }],
                "overridden": [{ "name": "xmas", "person": "lena", "reason": null }],
            },
        ]});
        let told = Told::of(&report, "refs/heads/prod");
        let stands_in = InStead {
            person: "dora".into(),
            of: "rita".into(),
        };
        assert_eq!(told.in_stead, BTreeSet::from([stands_in]));
        let [check] = told.checks.as_slice() else {
            panic!("{told:?}");
        };
        assert_eq!((&*check.check, &*check.machine), ("tests", "ci"));
        let [one] = told.overridden.as_slice() else {
            panic!("{told:?}");
        };
        assert_eq!((&*one.name, &*one.person), ("xmas", "lena"));
        assert_eq!(one.reason, None);
        for odd in [json!({}), json!({ "updates": 7 }), json!([1])] {
            assert_eq!(Told::of(&odd, "refs/heads/prod"), Told::default());
        }
    }
}
