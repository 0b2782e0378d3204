//! What each code means, with an example and what to do: one page a code.
//!
//! The pages are made from the same list as the codes, so a code without one does not compile.

use crate::decide::{Code, every_code};

macro_rules! pages {
    ($($number:literal $name:ident, $title:literal, $hint:literal;)*) => {
        /// The page of a code: plain text, at most 80 columns.
        #[must_use]
        pub fn page(code: Code) -> &'static str {
            $(
                if code == Code::$name {
                    return include_str!(concat!("pages/RH", stringify!($number), ".md"));
                }
            )*
            // Every code has its own constant, and every constant stands above.
            ""
        }
    };
}
every_code!(pages);

#[cfg(test)]
mod tests {
    use super::page;
    use crate::decide::Code;
    use std::collections::BTreeSet;

    #[test]
    fn every_page_is_whole_and_fits_a_narrow_terminal() {
        for code in Code::ALL {
            let text = page(*code);
            let head = format!("{code}: {}\n\n", code.title());
            assert!(
                text.starts_with(&head),
                "{code} does not begin with its title"
            );
            assert!(
                text.contains("\nWhat to do\n\n"),
                "{code} does not say what to do"
            );
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{code}");
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{code}: {line}");
                assert!(
                    line.trim_end() == line && !line.contains('\t'),
                    "{code}: {line}"
                );
            }
        }
    }

    #[test]
    fn no_page_belongs_to_no_code() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/explain/pages");
        let names: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let codes: BTreeSet<String> = Code::ALL.iter().map(|code| format!("{code}.md")).collect();
        assert_eq!(names, codes);
    }
}
