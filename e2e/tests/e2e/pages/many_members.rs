//! An organisation with more members than a choice lists.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};
use vestibule_e2e::{Backend, Fixture};

use super::{Browser, assert_page};

/// Makes more members than are listed, as nobody would by hand.
const MANY: &str = "
    CREATE TEMP TABLE person AS
        WITH RECURSIVE numbers(number) AS (
            SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 1001
        )
        SELECT number, randomblob(16) AS id FROM numbers;
    INSERT INTO user_account (id, email, created_at)
        SELECT id, printf('person%04d@example.com', number), 0 FROM person;
    INSERT INTO membership (organization_id, user_id, role, created_at)
        SELECT organization.id, person.id, 'USER', 2000000000000000 + number
        FROM person, organization WHERE organization.name = 'Acme';
";

#[tokio::test]
async fn a_choice_of_members_says_when_it_is_cut_and_contains_the_selected_one() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let file = fixture.data().join("vestibule.db");
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection = options.connect().await.unwrap();
    connection.execute(MANY).await.unwrap();
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let base = format!("/organization/{}", fixture.acme());
    let mut last = ada.get(&format!("{base}/members")).await.expect(200).text;
    let mut parts = 1;
    while let Some(next) = next_part(&last) {
        last = ada.get(&next).await.expect(200).text;
        parts += 1;
    }
    assert!(parts > 20, "{parts}");
    let (_, rest) = last
        .rsplit_once(&format!("href=\"{base}/members/user_"))
        .unwrap();
    let user = format!("user_{}", rest.split('"').next().unwrap());
    let chosen = format!("value=\"{user}\" selected");
    for page in ["access", "audit"] {
        let cut = ada.get(&format!("{base}/{page}")).await.expect(200);
        let said = "The first 1,000 members are listed.";
        assert!(cut.text.contains(said), "{page}");
        assert!(!cut.text.contains(&user), "{page}");
        assert_page(&cut);
        // The member's own page leads here.
        let path = format!("{base}/{page}?user={user}&path=/shared&capability=READ_ONLY");
        let found = ada.get(&path).await.expect(200);
        assert!(found.text.contains(&chosen), "{page}");
    }
    let member = ada.get(&format!("{base}/members/{user}")).await.expect(200);
    for page in ["access", "audit"] {
        let link = format!("href=\"{base}/{page}?user={user}\"");
        assert!(member.text.contains(&link), "{page}: {}", member.text);
    }
}

/// The list of owners is complete, since whoever is not ticked has to use single sign-on.
#[tokio::test]
async fn an_owner_beyond_the_members_that_are_listed_may_be_exempt_from_single_sign_on() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let last = fixture
        .newcomer("last@example.com", fixture.acme(), "OWNER")
        .await;
    let file = fixture.data().join("vestibule.db");
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection = options.connect().await.unwrap();
    connection.execute(MANY).await.unwrap();
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    // All the others joined before.
    let late = "UPDATE membership SET created_at = 3000000000000000 WHERE user_id = \
        (SELECT id FROM user_account WHERE email = 'last@example.com')";
    connection.execute(late).await.unwrap();
    let path = format!("/organization/{}/sso", fixture.acme());
    let page = ada.get(&path).await.expect(200);
    let choice = format!("name=\"owner\" value=\"{}\"", last.id);
    assert!(page.text.contains(&choice), "{}", page.text);
}

/// The address of the part that comes after a page's.
pub(super) fn next_part(page: &str) -> Option<String> {
    let (before, _) = page.split_once("\" rel=\"next\"")?;
    let (_, address) = before.rsplit_once("href=\"")?;
    Some(address.replace("&#38;", "&").replace("&amp;", "&"))
}
