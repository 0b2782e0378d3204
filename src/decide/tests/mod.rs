//! The decision, tried: stories by hand, an oracle that follows the rule's words, small worlds
//! without a gap, random ones, and laws that hold in all of them.

mod absence;
mod attacks;
pub(crate) mod build;
mod change;
mod checks;
mod deputies;
mod dice;
mod enforce;
mod hours;
mod laws;
mod leave;
mod messages;
mod oracle;
mod random;
mod rollbacks;
mod scale;
mod shapes;
mod statements;
mod stories;
mod tidy;
mod worlds;
