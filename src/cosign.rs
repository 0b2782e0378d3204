//! Cosignatures: what an independent witness signs of a log (C2SP tlog-cosignature, `cosignature/v1`).
//! Bytes in, bytes out; the only thing that is read is what is handed over.

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// What begins the encoding of a key that cosigns: not the algorithm alone, but what it is for.
const COSIGNATURE: u8 = 4;

/// What begins the encoding of a log's own key.
const LOG: u8 = 1;

/// The longest name of a witness, in bytes.
const MAX_NAME: usize = 100;

/// The four bytes by which a note tells one key from another. They commit to the name and the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WitnessId(u32);

impl WitnessId {
    /// Reads eight lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let id = Self(u32::from_str_radix(text, 16).ok()?);
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for WitnessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// The public key of a witness, as C2SP's signed-note writes it: `name+identifier+key`.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    id: WitnessId,
    public: VerifyingKey,
}

/// Why text is no key of a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WitnessKeyFault {
    /// Not in the form.
    #[error("is no `name+identifier+key`, as `relhook audit witness --init` prints it")]
    Form,
    /// A name that a note cannot hold.
    #[error("has a name that is no plain word of at most 100 characters without `+`")]
    Name,
    /// The key of a log.
    #[error("is the key of a log, not of a witness")]
    OfLog,
    /// A key of a kind that is not known.
    #[error("is a kind of key that relhook does not know; a witness's is Ed25519, of type 4")]
    Kind,
    /// The identifier is not that of this name and key.
    #[error("has an identifier that is not that of its name and key")]
    Id,
    /// Anybody can sign for it.
    #[error("is a key that proves nothing")]
    Weak,
}

impl WitnessKey {
    fn of(name: &str, public: VerifyingKey) -> Result<Self, WitnessKeyFault> {
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'+');
        if name.is_empty() || name.len() > MAX_NAME || !plain {
            return Err(WitnessKeyFault::Name);
        }
        if public.is_weak() {
            return Err(WitnessKeyFault::Weak);
        }
        let encoded = [&[COSIGNATURE][..], public.as_bytes()].concat();
        Ok(Self {
            name: name.to_owned(),
            id: WitnessId(signed_note::key_id(name, &encoded)),
            public,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its identifier.
    #[must_use]
    pub fn id(&self) -> WitnessId {
        self.id
    }

    /// The key itself: 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        self.public.as_bytes()
    }

    /// The cosignature of this witness on a note; nothing where there is none.
    ///
    /// # Errors
    /// When a line in its name does not verify, or the note is none.
    pub fn on(&self, note: &str) -> Result<Option<Cosignature>, CosignatureFault> {
        let (body, lines) = split(note).ok_or(CosignatureFault::NoNote)?;
        let mut found = None;
        for line in lines.lines() {
            let Some(signed) = self.signed(line) else {
                continue;
            };
            let time = self.verify(body, &signed).ok_or(CosignatureFault::Forged)?;
            let line = format!("{line}\n");
            found.get_or_insert(Cosignature { time, line });
        }
        Ok(found)
    }

    /// What a line holds behind the identifier, if the line is in this witness's name.
    fn signed(&self, line: &str) -> Option<Vec<u8>> {
        let (name, base64) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let bytes = Base64::decode_vec(base64).ok()?;
        let signed = bytes.strip_prefix(&self.id.0.to_be_bytes())?;
        (name == self.name).then(|| signed.to_vec())
    }

    /// The time at which it was signed, if it holds: seconds since 1970.
    fn verify(&self, body: &str, signed: &[u8]) -> Option<u64> {
        let (time, signature) = signed.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        let signature = Signature::from_bytes(signature.try_into().ok()?);
        let holds = self.public.verify_strict(&message(body, time), &signature);
        holds.ok().filter(|()| i64::try_from(time).is_ok())?;
        Some(time)
    }
}

impl FromStr for WitnessKey {
    type Err = WitnessKeyFault;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(WitnessKeyFault::Form);
        };
        let bytes = Base64::decode_vec(key).map_err(|_| WitnessKeyFault::Form)?;
        let public = match bytes.split_first() {
            Some((&COSIGNATURE, key)) => key.try_into().map_err(|_| WitnessKeyFault::Form)?,
            Some((&LOG, _)) => return Err(WitnessKeyFault::OfLog),
            Some(_) => return Err(WitnessKeyFault::Kind),
            None => return Err(WitnessKeyFault::Form),
        };
        let public = VerifyingKey::from_bytes(public).map_err(|_| WitnessKeyFault::Form)?;
        let read = Self::of(name, public)?;
        match read.id.to_string() == id {
            true => Ok(read),
            false => Err(WitnessKeyFault::Id),
        }
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = [&[COSIGNATURE][..], self.public.as_bytes()].concat();
        let key = Base64::encode_string(&encoded);
        write!(f, "{}+{}+{key}", self.name, self.id)
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A cosignature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// When it was made, by the witness's clock: seconds since 1970.
    pub time: u64,
    /// Its line in the note.
    pub line: String,
}

/// Why a note carries no cosignature that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CosignatureFault {
    /// It is no signed note.
    #[error("it is no signed note")]
    NoNote,
    /// It is in the witness's name and does not verify.
    #[error("the witness's signature does not hold")]
    Forged,
}

/// The private key of a witness. It is wiped from memory when it is dropped.
pub struct WitnessSigner {
    key: SigningKey,
    public: WitnessKey,
}

impl WitnessSigner {
    /// The key that this seed makes, under this name.
    ///
    /// # Errors
    /// When a note cannot hold the name.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, WitnessKeyFault> {
        let key = SigningKey::from_bytes(seed);
        let public = WitnessKey::of(name, key.verifying_key())?;
        Ok(Self { key, public })
    }

    /// Reads a private key's text.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, WitnessKeyFault> {
        let text = text.strip_prefix("PRIVATE+KEY+");
        let mut parts = text.ok_or(WitnessKeyFault::Form)?.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(WitnessKeyFault::Form);
        };
        let bytes = Base64::decode_vec(key).map_err(|_| WitnessKeyFault::Form)?;
        let bytes = Zeroizing::new(bytes);
        let seed = bytes
            .strip_prefix(&[COSIGNATURE])
            .ok_or(WitnessKeyFault::Kind)?;
        let seed = seed.try_into().map_err(|_| WitnessKeyFault::Form)?;
        let read = Self::new(name, &Zeroizing::new(seed))?;
        match read.public.id.to_string() == id {
            true => Ok(read),
            false => Err(WitnessKeyFault::Id),
        }
    }

    /// The private key as text.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.key.to_bytes());
        let bytes = Zeroizing::new([&[COSIGNATURE][..], &seed[..]].concat());
        let base64 = Zeroizing::new(Base64::encode_string(&bytes));
        let head = format!("PRIVATE+KEY+{}+{}+", self.public.name, self.public.id);
        let mut text = Zeroizing::new(String::with_capacity(head.len() + base64.len() + 1));
        text.push_str(&head);
        text.push_str(&base64);
        text.push('\n');
        text
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> &WitnessKey {
        &self.public
    }

    /// The line that cosigns a note's body, at this time: seconds since 1970.
    #[must_use]
    pub fn cosign(&self, body: &str, time: u64) -> String {
        let signature = self.key.sign(&message(body, time)).to_bytes();
        let id = self.public.id.0.to_be_bytes();
        let bytes = [&id[..], &time.to_be_bytes(), &signature].concat();
        let base64 = Base64::encode_string(&bytes);
        format!("\u{2014} {} {base64}\n", self.public.name)
    }
}

/// What is signed.
fn message(body: &str, time: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{body}").into_bytes()
}

/// A note's body, with its last line break, and the lines of its signatures.
#[must_use]
pub fn split(note: &str) -> Option<(&str, &str)> {
    let at = note.rfind("\n\n")?;
    Some((note.get(..=at)?, note.get(at + 2..)?))
}

/// The note with more lines behind its signatures; those that are there already stay once.
#[must_use]
pub fn with_lines<'a>(note: &str, lines: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = note.to_owned();
    for line in lines {
        if !text.contains(line) {
            text.push_str(line);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of C2SP's tlog-cosignature.
    const EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

    /// What Python's `cryptography` makes of the same body, with the seed 00 01 02 … 1f.
    const KEY: &str =
        "witness.example.org/w1+cfcd1a67+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    const LINE: &str = "\u{2014} witness.example.org/w1 z80aZwAAAABkGFDLBuRDazBLVac2NE+Y+IjbjQOcXLfF9CSDZVUIoS83rE1nFZsVE8YiWV6Ngr7lV8H6bdoBQGP/l73euDMQ9k+bBQ==\n";

    fn signer() -> WitnessSigner {
        let seed: Vec<u8> = (0..32).collect();
        WitnessSigner::new("witness.example.org/w1", &seed.try_into().unwrap()).unwrap()
    }

    #[test]
    fn it_is_what_another_program_makes() {
        let (body, lines) = split(EXAMPLE).unwrap();
        assert_eq!((body.lines().count(), lines.lines().count()), (3, 2));
        let ours = signer();
        assert_eq!(ours.public().to_string(), KEY);
        assert_eq!(ours.cosign(body, 1_679_315_147), LINE);
        let key: WitnessKey = KEY.parse().unwrap();
        let found = key.on(&with_lines(EXAMPLE, [LINE])).unwrap().unwrap();
        assert_eq!((found.time, &*found.line), (1_679_315_147, LINE));
        assert_eq!(key.on(EXAMPLE), Ok(None));
        let again = WitnessSigner::parse(ours.text().trim()).unwrap();
        assert_eq!(again.public(), ours.public());
    }

    #[test]
    fn the_example_of_the_format_is_read() {
        // The example's key is not given with it, so its line is only taken apart.
        let line = EXAMPLE.lines().last().unwrap();
        let stranger = WitnessKey {
            name: "witness.example.com/w1".into(),
            id: WitnessId::parse(b"8d66cf3f").unwrap(),
            public: signer().public().public,
        };
        let signed = stranger.signed(line).unwrap();
        assert_eq!(signed[..8], 1_679_315_147_u64.to_be_bytes());
        assert_eq!(signed.len(), 72);
        assert_eq!(stranger.on(EXAMPLE), Err(CosignatureFault::Forged));
    }

    #[test]
    fn nothing_but_the_line_that_was_signed_counts() {
        let (key, note) = (signer(), with_lines(EXAMPLE, [LINE]));
        let key = key.public();
        let more = note.replacen("20852163", "20852164", 1);
        assert_eq!(key.on(&more), Err(CosignatureFault::Forged));
        let at = note.find(LINE).unwrap();
        for at in at..note.len() - 1 {
            let mut bad = note.clone().into_bytes();
            bad[at] ^= 1;
            let Ok(bad) = String::from_utf8(bad) else {
                continue;
            };
            assert!(!matches!(key.on(&bad), Ok(Some(_))), "byte {at}");
        }
        assert_eq!(key.on("no note"), Err(CosignatureFault::NoNote));
        // The same again does not make it two.
        assert_eq!(with_lines(&note, [LINE]), note);
        // One that holds does not cover up one that does not.
        let later = signer().cosign("another\n1\nAAAA\n", 5);
        let both = with_lines(&note, [&*later]);
        assert_eq!(key.on(&both), Err(CosignatureFault::Forged));
    }

    #[test]
    fn what_is_no_key_of_a_witness_is_said() {
        let fault = |text: &str| text.parse::<WitnessKey>().unwrap_err();
        let other = KEY.replace("cfcd1a67", "cfcd1a68");
        assert_eq!(fault(&other), WitnessKeyFault::Id);
        assert_eq!(
            fault(&KEY.replace("cfcd1a67", "CFCD1A67")),
            WitnessKeyFault::Id
        );
        assert_eq!(fault(&KEY.replace("org/w1", "org/w2")), WitnessKeyFault::Id);
        assert_eq!(
            fault(&KEY.replace("org/w1", "org w1")),
            WitnessKeyFault::Name
        );
        assert_eq!(fault(""), WitnessKeyFault::Form);
        assert_eq!(fault("a+b"), WitnessKeyFault::Form);
        assert_eq!(fault(&KEY[..KEY.len() - 4]), WitnessKeyFault::Form);
        let of = |first: u8, key: [u8; 32]| {
            let encoded = [&[first][..], &key].concat();
            let id = signed_note::key_id("w", &encoded);
            format!("w+{id:08x}+{}", Base64::encode_string(&encoded))
        };
        let own = *signer().public().bytes();
        assert_eq!(fault(&of(1, own)), WitnessKeyFault::OfLog);
        assert_eq!(fault(&of(6, own)), WitnessKeyFault::Kind);
        let mut nothing = [0; 32];
        nothing[0] = 1;
        assert_eq!(fault(&of(4, nothing)), WitnessKeyFault::Weak);
        assert!(of(4, own).parse::<WitnessKey>().is_ok());
        assert!(WitnessSigner::new("a b", &[1; 32]).is_err());
    }
}
