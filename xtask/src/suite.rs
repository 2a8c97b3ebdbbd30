//! Everything that has to pass, in one command.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::postgres::Postgres;
use crate::{chore, deny, openapi, postgres, snippets, tidy, tools};

/// The fuzz targets are a workspace of their own, which no command for the other one sees.
const FUZZ: &str = "fuzz/Cargo.toml";

/// The variable by which the tests learn that they are to repeat their trials in full; read by
/// `vestibule_e2e::rounds`.
const FULL: &str = "VESTIBULE_TEST_FULL";

/// The number of times that tests repeat a trial.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trials {
    /// A few times, so that a change is judged in minutes.
    Few,
    /// As often as the figures in the documents ask for.
    Full,
}

impl Trials {
    /// Returns the profile of nextest, which says when a test hangs.
    const fn profile(self) -> &'static str {
        match self {
            Self::Few => "default",
            Self::Full => "full",
        }
    }
}

/// How a step ended.
pub(crate) enum Verdict {
    /// All well.
    Passed,
    /// It went wrong, and the run with it.
    Failed,
    /// It could not be looked at here, and why.
    NotChecked(&'static str),
    /// Something it needs had failed.
    Skipped,
}

struct Step {
    name: &'static str,
    verdict: Verdict,
    took: Duration,
}

#[derive(Default)]
struct Suite(Vec<Step>);

/// Runs all steps, the quick ones first, and does not stop at the first failure: one run shows
/// all that is wrong.
pub(crate) fn run(trials: Trials) -> Result<()> {
    let mut suite = Suite::default();
    suite.step("tools: install what is missing", tools::install);
    suite.step("format", || {
        chore::run(chore::cargo().args(["fmt", "--all", "--check"]))?;
        chore::run(chore::cargo().args(["fmt", "--check", "--manifest-path", FUZZ]))
    });
    suite.step("tidy: the project's rules", || tidy::run(false));
    suite.step("licences, bans and sources", deny::terms);
    suite.judge("advisories", deny::advisories);
    suite.step("lints", || {
        chore::run(
            chore::cargo()
                .args(["clippy", "--workspace", "--all-targets", "--all-features"])
                .args(["--", "-D", "warnings"]),
        )
    });
    suite.step("lints of the fuzz targets", || {
        chore::run(
            chore::cargo()
                .args(["clippy", "--manifest-path", FUZZ, "--locked"])
                // Without the fuzzer itself, which takes a C++ compiler.
                .args(["--no-default-features", "--target-dir"])
                .arg(chore::target())
                .args(["--", "-D", "warnings"]),
        )
    });
    suite.step("documentation", || {
        chore::run(
            chore::cargo()
                .args(["doc", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    });
    let built = suite.step("build", || {
        chore::run(chore::cargo().args(["build", "--workspace", "--all-targets"]))
    });

    let mut server = None;
    if env::var_os(postgres::VARIABLE).is_none() {
        suite.step("a PostgreSQL for the tests", || {
            server = Some(Postgres::start()?);
            Ok(())
        });
    }
    let with_postgres = |command: &mut Command| {
        if let Some(server) = &server {
            command.env(postgres::VARIABLE, server.url());
        }
        if trials == Trials::Full {
            command.env(FULL, "1");
        }
        chore::run(command)
    };
    suite.step_if(built, "tests", || {
        let profile = trials.profile();
        let run = ["nextest", "run", "--workspace", "--profile", profile];
        with_postgres(chore::cargo().args(run))
    });
    suite.step_if(built, "tests in documentation", || {
        with_postgres(chore::cargo().args(["test", "--workspace", "--doc"]))
    });
    suite.step_if(built, "openapi snapshot", || openapi::run(true));
    suite.step_if(built, "commands in the documents", snippets::run);
    drop(server);
    suite.finish()
}

impl Suite {
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> bool {
        self.judge(name, || work().map(|()| Verdict::Passed))
    }

    fn step_if(&mut self, ready: bool, name: &'static str, work: impl FnOnce() -> Result<()>) {
        if ready {
            self.step(name, work);
        } else {
            self.0.push(Step {
                name,
                verdict: Verdict::Skipped,
                took: Duration::ZERO,
            });
        }
    }

    fn judge(&mut self, name: &'static str, work: impl FnOnce() -> Result<Verdict>) -> bool {
        println!("\n==> {name}");
        let begun = Instant::now();
        let verdict = work().unwrap_or_else(|error| {
            println!("error: {error:#}");
            Verdict::Failed
        });
        let took = begun.elapsed();
        println!(
            "<== {name}: {}, {:.1} s",
            verdict.word(),
            took.as_secs_f32()
        );
        let passed = matches!(verdict, Verdict::Passed);
        self.0.push(Step {
            name,
            verdict,
            took,
        });
        passed
    }

    fn finish(self) -> Result<()> {
        println!("\n==> summary");
        for Step {
            name,
            verdict,
            took,
        } in &self.0
        {
            println!(
                "{:>11}  {:>7.1} s  {name}",
                verdict.word(),
                took.as_secs_f32()
            );
        }
        for step in &self.0 {
            if let Verdict::NotChecked(why) = step.verdict {
                println!("\nNOT CHECKED: {}: {why}", step.name);
            }
        }
        let count =
            |wanted: fn(&Verdict) -> bool| self.0.iter().filter(|s| wanted(&s.verdict)).count();
        let passed = count(|verdict| matches!(verdict, Verdict::Passed));
        let failed = count(|verdict| matches!(verdict, Verdict::Failed | Verdict::Skipped));
        let unchecked = count(|verdict| matches!(verdict, Verdict::NotChecked(_)));
        println!("\nsteps: {passed} passed, {failed} failed, {unchecked} not checked");
        if failed > 0 {
            bail!("{failed} of the steps did not pass");
        }
        Ok(())
    }
}

impl Verdict {
    const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::NotChecked(_) => "NOT CHECKED",
            Self::Skipped => "skipped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(verdict: Verdict) -> Suite {
        let mut suite = Suite::default();
        suite.step("good", || Ok(()));
        suite.judge("other", || Ok(verdict));
        suite
    }

    #[test]
    fn a_failed_step_fails_the_run_and_the_steps_that_need_it_are_not_run() {
        let mut suite = Suite::default();
        let built = suite.step("build", || bail!("no"));
        suite.step_if(built, "tests", || panic!("must not run"));
        assert!(suite.finish().is_err());
    }

    #[test]
    fn what_cannot_be_checked_here_does_not_fail_the_run() {
        assert!(suite(Verdict::NotChecked("no network")).finish().is_ok());
        assert!(suite(Verdict::Failed).finish().is_err());
    }
}
