//! The operator, whom only the commands of this binary act as.

use vestibule_accounts::Operator;

/// Whoever can run the binary on the database.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the binary, and what it runs for the operator are its commands"
)]
pub const OPERATOR: Operator = Operator::at_the_command_line();
