//! Text is text.

use rstest::rstest;
use vestibule_model::AuditRecord;
use vestibule_store::{AuditFilter, Page, Successor};

use crate::support::{Backend, World, at, record};

#[test]
fn no_type_of_the_model_lets_nul_pass() {
    assert!(
        "a\0da@example.com"
            .parse::<vestibule_model::Email>()
            .is_err()
    );
    assert!(
        "ada@exa\0mple.com"
            .parse::<vestibule_model::Email>()
            .is_err()
    );
    assert!("A\0da".parse::<vestibule_model::Name>().is_err());
    assert!("fr\0ee".parse::<vestibule_model::PlanName>().is_err());
    assert!(
        "/sha\0red"
            .parse::<vestibule_model::ResourcePath>()
            .is_err()
    );
}

#[rstest]
#[tokio::test]
async fn nul_in_free_text_is_no_error_on_either_engine(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let mut odd = AuditRecord {
        organization_id: Some(world.organization.id),
        subject: Some("a\0b".to_owned()),
        ..record("test.odd")
    };
    odd.actor.request_id = Some("\0".to_owned());
    let mut write = world.store.begin().await.unwrap();
    let successor = Successor {
        token_id: "next\0".to_owned(),
        issued_at: at(0),
        expires_at: at(1),
    };
    write
        .refresh_successor(
            "to\0ken",
            world.organization.id,
            &successor,
            std::time::Duration::ZERO,
        )
        .await
        .unwrap();
    write.commit(odd).await.unwrap();
    let filter = AuditFilter {
        subject: Some("a\0b".to_owned()),
        ..AuditFilter::default()
    };
    let (rows, _) = world
        .store
        .audit(world.scope, &filter, Page::default())
        .await
        .unwrap()
        .into_counted();
    assert_eq!(rows[0].subject.as_deref(), Some("a\u{fffd}b"));
}

#[rstest]
#[tokio::test]
async fn text_of_every_script_survives(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let name = "日本語 ' \" ; -- 🦀";
    let organization = world.organization(name).await;
    let found = world.store.organization(organization.id).await.unwrap();
    assert_eq!(found.unwrap().name.as_str(), name);
}
