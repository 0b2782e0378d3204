//! Text that ends in its own signature: annotated tags and push certificates.

use super::error::ObjectError;
use super::{ArmorError, SignatureBlock, armor};

/// Parts `content`, the end of `raw`, from the signature that ends it. The signature is over all
/// of `raw` before it, and begins at the only line that begins an armor block.
///
/// # Errors
/// When several lines begin one, when the block is not clean, or when the signed bytes hold a
/// carriage return.
pub(crate) fn split_signature<'a>(
    raw: &[u8],
    content: &'a [u8],
) -> Result<(&'a [u8], Option<SignatureBlock>), ObjectError> {
    let mut begins = block_starts(content);
    let Some(start) = begins.next() else {
        return Ok((content, None));
    };
    if begins.next().is_some() {
        return Err(ArmorError::Several.into());
    }
    let (message, block) = content.split_at_checked(start).unwrap_or_default();
    let format = armor::check(block)?;
    let payload = raw.strip_suffix(block).unwrap_or_default().to_vec();
    armor::check_payload(&payload)?;
    let signature = SignatureBlock {
        format,
        armor: block.to_vec(),
        payload,
    };
    Ok((message, Some(signature)))
}

/// Where the lines begin that git takes for the beginning of a signature.
fn block_starts(content: &[u8]) -> impl Iterator<Item = usize> {
    let mut next = 0;
    content
        .split_inclusive(|byte| *byte == b'\n')
        .filter_map(move |line| {
            let start = next;
            next += line.len();
            armor::begins_block(line).then_some(start)
        })
}
