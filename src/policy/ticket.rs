//! Change requests: where a push has to name one.

use super::TicketPattern;

/// What a rule demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketRule {
    /// What a name looks like.
    pub pattern: TicketPattern,
    /// Where it has to stand.
    pub place: TicketPlace,
}

/// Where the change request has to be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketPlace {
    /// In an approval of the new value that counts.
    Approval,
    /// In the message of at least one commit that adds something.
    Range,
    /// In the message of every commit that adds something.
    Each,
    /// In such an approval, or in the message of at least one such commit.
    Either,
}

impl TicketPlace {
    /// Whether commits' messages are asked.
    #[must_use]
    pub fn reads_messages(self) -> bool {
        match self {
            Self::Approval => false,
            Self::Range | Self::Each | Self::Either => true,
        }
    }

    /// Whether approvals are asked.
    #[must_use]
    pub fn reads_approvals(self) -> bool {
        match self {
            Self::Range | Self::Each => false,
            Self::Approval | Self::Either => true,
        }
    }
}

impl TicketPattern {
    /// The names in a text, each once; no more than `most`. A name is a whole word, without the
    /// punctuation around it.
    #[must_use]
    pub fn find(&self, text: &[u8], most: usize) -> Vec<String> {
        let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(byte);
        let words = text.split(|byte| !in_word(byte));
        let mut names: Vec<String> = Vec::new();
        for word in words {
            let Some(name) = std::str::from_utf8(word).ok().map(bare) else {
                continue;
            };
            if !name.is_empty() && self.fits(name) && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
            if names.len() >= most {
                break;
            }
        }
        names
    }
}

/// A word without what ends sentences and opens lists.
fn bare(word: &str) -> &str {
    word.trim_matches(|ch: char| "-_./:".contains(ch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole_words() {
        let pattern = TicketPattern::new("INC-#").unwrap();
        let text = b"INC-1: as in INC-2, XINC-3, INC-4x and INC-1 again (INC-5). See INC-6.";
        let found = ["INC-1", "INC-2", "INC-5", "INC-6"];
        assert_eq!(pattern.find(text, 16), found);
        assert_eq!(pattern.find(text, 2), found[..2]);
        // A letter that is no ASCII ends a word, too, and so do bytes that are no text.
        assert_eq!(pattern.find("\u{e9}INC-7\u{e9}".as_bytes(), 1), ["INC-7"]);
        assert!(pattern.find(b"\xff\xfe INC-\xd9\xa1", 16).is_empty());
        let deep = TicketPattern::new("JIRA:*/#").unwrap();
        assert_eq!(deep.find(b"for JIRA:shop/1.", 1), ["JIRA:shop/1"]);
    }

    #[test]
    fn long_texts_take_no_longer_than_they_are() {
        let pattern = TicketPattern::new("*-#").unwrap();
        assert!(pattern.find(&vec![b'a'; 1 << 20], 1).is_empty());
        let words = b"a-b-c-d-e ".repeat(1 << 12);
        assert!(pattern.find(&words, 1).is_empty());
    }
}
