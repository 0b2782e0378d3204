//! `windows` and `freezes`: when something may go out, each under a name.

use super::{
    At, Complaints, Entry, Fault, Fields, Named, Node, checked, fields, items, named, names,
    read_as, shown, values,
};
use crate::policy::suggest;
use crate::policy::{Days, Edge, Emergencies, Minute, Position, Zone};
use jiff::civil::DateTime;

/// One entry of `windows`.
#[derive(Debug)]
pub(in crate::policy) struct WindowEntry {
    pub(in crate::policy) zone: Zone,
    pub(in crate::policy) days: Days,
    pub(in crate::policy) from: Minute,
    pub(in crate::policy) to: Minute,
    pub(in crate::policy) overriders: Vec<At<String>>,
    pub(in crate::policy) emergencies: Emergencies,
}

/// One entry of `freezes`.
#[derive(Debug)]
pub(in crate::policy) struct FreezeEntry {
    pub(in crate::policy) zone: Zone,
    pub(in crate::policy) from: Edge,
    pub(in crate::policy) until: Option<Edge>,
    pub(in crate::policy) overriders: Vec<At<String>>,
    pub(in crate::policy) emergencies: Emergencies,
}

/// Every window.
pub(super) fn windows(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<Named<Option<WindowEntry>>>> {
    named(node, what, complaints, |entry, complaints| {
        super::name(entry, "window", complaints);
        window(entry, complaints)
    })
}

/// Every freeze.
pub(super) fn freezes(
    node: &Node,
    what: &str,
    complaints: &mut Complaints,
) -> Option<Vec<Named<Option<FreezeEntry>>>> {
    named(node, what, complaints, |entry, complaints| {
        super::name(entry, "freeze", complaints);
        freeze(entry, complaints)
    })
}

fn window(entry: &Entry, complaints: &mut Complaints) -> Option<WindowEntry> {
    const KNOWN: [&str; 6] = ["zone", "days", "from", "to", "override", "emergency"];
    let what = (entry.key.text.as_str(), entry.key_at);
    let fields = Fields::read(&entry.value, what, "a window", &KNOWN, complaints)?;
    let zone = fields.required("zone", complaints, zone);
    let days = match fields.get("days") {
        None => Some(Days::ALL),
        Some(entry) => days(&entry.value, complaints),
    };
    let hours = hours(&fields, complaints);
    let overriders = fields.optional("override", complaints, names);
    let emergencies = fields.optional("emergency", complaints, emergencies);
    let (from, to) = hours?;
    Some(WindowEntry {
        zone: zone?,
        days: days?,
        from,
        to,
        overriders: overriders.unwrap_or_default(),
        emergencies: emergencies.unwrap_or_default(),
    })
}

fn freeze(entry: &Entry, complaints: &mut Complaints) -> Option<FreezeEntry> {
    const KNOWN: [&str; 5] = ["zone", "from", "until", "override", "emergency"];
    let what = (entry.key.text.as_str(), entry.key_at);
    let fields = Fields::read(&entry.value, what, "a freeze", &KNOWN, complaints)?;
    let zone = fields.required("zone", complaints, zone);
    let from = fields.required("from", complaints, wall);
    let until = fields.optional("until", complaints, wall);
    let overriders = fields.optional("override", complaints, names);
    let emergencies = fields.optional("emergency", complaints, emergencies);
    if fields.get("until").is_some() && until.is_none() {
        return None;
    }
    let zone = zone?;
    let from = from?;
    let begins = Edge::beginning(&zone, from.value);
    let ends = until.map(|until| (Edge::ending(&zone, until.value), until.at));
    if let Some((ends, at)) = ends
        && ends.at <= begins.at
    {
        value(at, "until", "is not after `from`", complaints);
        return None;
    }
    Some(FreezeEntry {
        from: begins,
        until: ends.map(|(ends, _)| ends),
        zone,
        overriders: overriders.unwrap_or_default(),
        emergencies: emergencies.unwrap_or_default(),
    })
}

fn emergencies(node: &Node, what: &str, complaints: &mut Complaints) -> Option<Emergencies> {
    const WORDS: [(&str, Emergencies); 2] =
        [("waits", Emergencies::Wait), ("passes", Emergencies::Pass)];
    fields::choice(node, what, &WORDS, complaints)
}

fn value(at: Position, what: &str, why: impl Into<String>, complaints: &mut Complaints) {
    let (what, why) = (what.to_owned(), why.into());
    complaints.add(at, Fault::Value { what, why });
}

fn zone(node: &Node, what: &str, complaints: &mut Complaints) -> Option<Zone> {
    let name = fields::text(node, what, complaints)?;
    match Zone::named(&name.value) {
        Ok(zone) => Some(zone),
        Err(error) => {
            let name = shown(&name.value);
            let what = shown(what);
            let why = format!("`{name}` is not a time zone like `Europe/Berlin`");
            let hint = || error.meant.map(|meant| format!("did you mean `{meant}`?"));
            complaints.push(node.at, Fault::Value { what, why }, hint);
            None
        }
    }
}

/// A list of days and of spans of days: `[mon-thu, sat]`.
fn days(node: &Node, complaints: &mut Complaints) -> Option<Days> {
    let listed = items(node, "days", complaints, |item, what, complaints| {
        let text = fields::text(item, what, complaints)?;
        let (first, last) = text
            .value
            .split_once('-')
            .unwrap_or((&text.value, &text.value));
        let place = |word: &str| Days::WORDS.iter().position(|known| *known == word);
        if let (Some(first), Some(last)) = (place(first), place(last)) {
            let value = Days::between(first, last);
            return Some(At { value, at: item.at });
        }
        let why = format!("cannot be `{}`", shown(&text.value));
        let what = shown(what);
        let hint = || {
            let near = suggest::nearest(&text.value, Days::WORDS);
            Some(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    "days are `mon`, `tue`, `wed`, `thu`, `fri`, `sat` and `sun`, and spans of \
                         them like `mon-thu`"
                        .to_owned()
                }
            })
        };
        complaints.push(item.at, Fault::Value { what, why }, hint);
        None
    })?;
    let days = listed.iter().map(|days| days.value);
    days.reduce(Days::and)
}

/// From when to when on each of the days: the whole day where neither is said.
fn hours(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<(Minute, Minute)> {
    let (key, other) = match (fields.get("from"), fields.get("to")) {
        (None, None) => return Some((Minute::START, Minute::END)),
        (Some(_), Some(_)) => ("from", "to"),
        (Some(_), None) => ("to", "from"),
        (None, Some(_)) => ("from", "to"),
    };
    // Of the two, the one that is missing is asked for.
    let one = fields.required(key, complaints, minute)?;
    let two = fields.required(other, complaints, minute)?;
    let (from, to) = if key == "from" {
        (one, two)
    } else {
        (two, one)
    };
    let why = if from.value == Minute::END {
        "the end of the day is the beginning of the next: `00:00`"
    } else if from.value == to.value {
        "is the same as `from`: a whole day is from `00:00` to `24:00`"
    } else {
        return Some((from.value, to.value));
    };
    let (at, what) = if from.value == Minute::END {
        (from.at, "from")
    } else {
        (to.at, "to")
    };
    value(at, what, why, complaints);
    None
}

fn minute(node: &Node, what: &str, complaints: &mut Complaints) -> Option<At<Minute>> {
    read_as(node, what, complaints, values::minute)
}

/// A date and a time, as the clock on the wall shows them.
fn wall(node: &Node, what: &str, complaints: &mut Complaints) -> Option<At<DateTime>> {
    let text = checked(node, what, complaints, values::wall)?;
    match text.value.parse() {
        Ok(value) => Some(At { value, at: text.at }),
        Err(_) => {
            let why = format!(
                "`{}` is not a date and time that there is",
                shown(&text.value)
            );
            value(text.at, what, why, complaints);
            None
        }
    }
}
