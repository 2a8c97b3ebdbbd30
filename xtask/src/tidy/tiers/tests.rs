use super::*;

fn manifest(folder: &str, text: &str) -> Manifest {
    Manifest::parse(folder, text).unwrap()
}

fn problems(manifests: &[(&str, &str)]) -> String {
    let manifests: Vec<_> = manifests
        .iter()
        .map(|(folder, text)| manifest(folder, text))
        .collect();
    check(&manifests).join("\n")
}

#[test]
fn imports_that_go_down_are_in_order() {
    let text = "[dependencies]\nvestibule-model.workspace = true\nserde.workspace = true";
    assert_eq!(problems(&[("model", ""), ("store", text)]), "");
}

#[test]
fn an_import_that_goes_up_is_refused() {
    let found = problems(&[(
        "store",
        "[dependencies]\nvestibule-accounts.workspace = true",
    )]);
    assert!(
        found.contains("store (tier 1): imports accounts (tier 3)"),
        "{found}"
    );
}

#[test]
fn an_import_that_goes_sideways_is_refused() {
    let found = problems(&[("policy", "[dependencies]\nvestibule-store.workspace = true")]);
    assert!(
        found.contains("policy (tier 1): imports store (tier 1)"),
        "{found}"
    );
}

#[test]
fn imports_for_tests_for_build_scripts_for_one_target_and_under_another_name_count_too() {
    for text in [
        "[dev-dependencies]\nvestibule-server.workspace = true",
        "[build-dependencies]\nvestibule-server.workspace = true",
        "[target.'cfg(unix)'.dependencies]\nvestibule-server.workspace = true",
        "[dependencies]\nharmless = { package = \"vestibule-server\", path = \"../server\" }",
    ] {
        let found = problems(&[("check", text)]);
        assert!(
            found.contains("check (tier 2): imports server (tier 7)"),
            "{text}: {found}"
        );
    }
}

#[test]
fn end_to_end_tests_and_measurements_may_import_everything_and_nobody_imports_them() {
    let text = "[dependencies]\nvestibule-server.workspace = true\nsqlx.workspace = true";
    assert_eq!(problems(&[("e2e", text), ("bench", text)]), "");
    let found = problems(&[("bench", "[dependencies]\nvestibule-e2e.workspace = true")]);
    assert!(found.contains("downwards only"), "{found}");
}

#[test]
fn a_crate_without_a_tier_is_refused() {
    let found = problems(&[
        ("cellar", ""),
        ("server", "[dependencies]\nvestibule-attic = \"1\""),
    ]);
    assert!(found.contains("cellar: has no tier"), "{found}");
    assert!(
        found.contains("imports attic, which has no tier"),
        "{found}"
    );
}

#[test]
fn a_cycle_is_named_with_its_way_round() {
    let found = problems(&[
        ("store", "[dependencies]\nvestibule-policy.workspace = true"),
        (
            "policy",
            "[dev-dependencies]\nvestibule-store.workspace = true",
        ),
    ]);
    assert!(
        found.contains("cycle of imports: policy → store → policy"),
        "{found}"
    );
}

#[test]
fn the_check_and_the_layer_never_reach_the_store_even_through_another_crate() {
    let found = problems(&[
        ("layer", "[dependencies]\nvestibule-http.workspace = true"),
        ("http", "[dependencies]\nvestibule-store.workspace = true"),
    ]);
    assert!(found.contains("layer: reaches store"), "{found}");
}

#[test]
fn the_sample_imports_nothing_of_ours_but_the_layer() {
    let found = problems(&[("sample", "[dependencies]\nvestibule-model.workspace = true")]);
    assert!(found.contains("sample: imports model"), "{found}");
}

#[test]
fn sql_and_password_hashing_stay_in_their_crates() {
    let found = problems(&[("api", "[dependencies]\nsqlx.workspace = true")]);
    assert!(found.contains("api: imports sqlx"), "{found}");
    let text =
        "[dependencies]\nvestibule-credential = { workspace = true, features = [\"password\"] }";
    let found = problems(&[("layer", text)]);
    assert!(
        found.contains("layer: imports vestibule-credential/password"),
        "{found}"
    );
    assert_eq!(
        problems(&[("api", "[dev-dependencies]\nsqlx.workspace = true")]),
        ""
    );
}

#[test]
fn an_exception_that_nothing_uses_is_named() {
    let used = manifest(
        "credential",
        "[dependencies]\nargon2.workspace = true\njsonwebtoken = \"1\"",
    );
    assert!(idle_exceptions(&[used]).is_empty());
    let unused = manifest(
        "credential",
        "[dev-dependencies]\nargon2.workspace = true\njsonwebtoken = \"1\"",
    );
    let found = idle_exceptions(&[unused]).join("\n");
    assert!(
        found.contains("credential: does not import argon2"),
        "{found}"
    );
}

#[test]
fn every_crate_has_one_tier() {
    let names: BTreeSet<_> = TIERS.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), TIERS.len());
}

#[test]
fn the_document_of_the_tiers_says_what_is_enforced() {
    let manifests = [
        manifest("model", ""),
        manifest("store", ""),
        manifest("e2e", ""),
    ];
    let table = "| tier | folder | what |\n|---|---|---|\n| 0 | `crates/model` | nouns |\n";
    let right = format!("{table}| 1 | `crates/store` | SQL |\n\n| rule | `crates/store` |");
    assert!(check_document(&right, &manifests).is_empty());
    for wrong in [
        table.to_owned(),
        format!("{table}| 2 | `crates/store` | SQL |"),
    ] {
        let found = check_document(&wrong, &manifests);
        assert_eq!(
            found,
            ["docs/architecture.md: does not give store its tier"]
        );
    }
}
