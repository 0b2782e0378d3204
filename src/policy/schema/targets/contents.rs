//! What of the tree a target is to hold, and as what.

use crate::policy::PathGlobs;
use crate::policy::complaint::Complaints;
use crate::policy::fields::{self, At, Fields};
use crate::policy::schema::rules::path_globs;
use crate::policy::schema::{MAX_ITEMS, checked, items};
use crate::policy::values;
use crate::policy::yaml::Node;
use crate::policy::{Contents, Export, Names, Submodule, Symlinks};
use std::path::PathBuf;

/// What may stand in `export`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attribute {
    Ignore,
    Subst,
}

/// Reads the keys that say what is released; nothing where a glob of them does not compile.
pub(super) fn contents(fields: &Fields<'_>, complaints: &mut Complaints) -> Option<Contents> {
    const SYMLINKS: [(&str, Symlinks); 3] = [
        ("keep", Symlinks::Keep),
        ("follow", Symlinks::Follow),
        ("refuse", Symlinks::Refuse),
    ];
    const NAMES: [(&str, Names); 2] = [("unix", Names::Unix), ("portable", Names::Portable)];
    let include = fields.optional("include", complaints, path_globs);
    let include: Option<Vec<String>> =
        include.map(|globs| globs.into_iter().map(|glob| glob.value).collect());
    let symlinks = fields.optional("symlinks", complaints, |node, what, complaints| {
        fields::choice(node, what, &SYMLINKS, complaints)
    });
    let names = fields.optional("names", complaints, |node, what, complaints| {
        fields::choice(node, what, &NAMES, complaints)
    });
    Some(Contents {
        include: match include {
            Some(globs) => Some(PathGlobs::compile(&globs).ok()?),
            None => None,
        },
        symlinks,
        submodules: fields
            .optional("submodules", complaints, submodules)
            .unwrap_or_default(),
        lfs: fields.optional("lfs", complaints, place),
        export: fields
            .optional("export", complaints, export)
            .unwrap_or_default(),
        names: names.unwrap_or_default(),
    })
}

fn export(node: &Node, what: &str, complaints: &mut Complaints) -> Option<Export> {
    const ATTRIBUTES: [(&str, Attribute); 2] =
        [("ignore", Attribute::Ignore), ("subst", Attribute::Subst)];
    let named = items(node, what, complaints, |item, what, complaints| {
        let value = fields::choice(item, what, &ATTRIBUTES, complaints)?;
        Some(At { value, at: item.at })
    })?;
    let names = |attribute| named.iter().any(|one| one.value == attribute);
    Some(Export {
        ignore: names(Attribute::Ignore),
        subst: names(Attribute::Subst),
    })
}

fn submodules(node: &Node, what: &str, complaints: &mut Complaints) -> Option<Vec<Submodule>> {
    let list = fields::list(node, what, MAX_ITEMS, complaints)?;
    let read_one = |item| submodule(item, complaints);
    Some(list.iter().filter_map(read_one).collect())
}

fn submodule(node: &Node, complaints: &mut Complaints) -> Option<Submodule> {
    const KNOWN: [&str; 2] = ["path", "repository"];
    let what = ("submodules", node.at);
    let fields = Fields::read(node, what, "a submodule", &KNOWN, complaints)?;
    let path = fields.required("path", complaints, |node, what, complaints| {
        checked(node, what, complaints, values::folder)
    });
    let repository = fields.required("repository", complaints, place);
    Some(Submodule {
        path: path?.value,
        repository: repository?,
    })
}

/// A folder of the server's own machine.
fn place(node: &Node, what: &str, complaints: &mut Complaints) -> Option<PathBuf> {
    let path = checked(node, what, complaints, |text| values::absolute(text, false))?;
    Some(PathBuf::from(path.value))
}
