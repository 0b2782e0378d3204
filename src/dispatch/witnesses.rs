//! Whether enough independent witnesses have cosigned what accepted a release.

use super::stages::standing;
use super::{LedgerOrders, OrderError};
use crate::release::{Admission, Order, Standing, place, remembered, unsettled};

impl LedgerOrders<'_> {
    /// What is missing before the order may go out, if anything is. What a target has already, it may
    /// be brought to again.
    pub(super) fn unwitnessed(&self, order: &Order) -> Result<Option<Admission>, OrderError> {
        let (_, bundle) = self.server.store.policy()?.ok_or(OrderError::NoPolicy)?;
        let audit = &bundle.policy.audit;
        if audit.required == 0 || self.holds(order)? {
            return Ok(None);
        }
        let (mut by, mut missing) = (Vec::new(), Vec::new());
        for (name, witness) in &audit.witnesses {
            let last = self.server.log.cosigned_by(witness)?;
            let last = last.filter(|last| last.checkpoint.size >= order.sequence);
            let Some(last) = last else {
                missing.push(name.clone());
                continue;
            };
            // The log may have been put back to an earlier one since.
            self.server.log.extends(&last.checkpoint)?;
            by.push(name.clone());
        }
        let required = audit.required;
        Ok(
            (by.len() < required as usize).then_some(Admission::Unwitnessed {
                sequence: order.sequence,
                required,
                by,
                missing,
            }),
        )
    }

    fn holds(&self, order: &Order) -> Result<bool, OrderError> {
        let (folder, name) = (self.server.folder.path(), &order.target.name);
        let (state, begun) = (remembered(folder, name)?, unsettled(folder, name)?);
        let standing = standing(&state, &begun, order, &place(&order.target.kind));
        Ok(matches!(standing, Standing::Holds(_)))
    }
}
