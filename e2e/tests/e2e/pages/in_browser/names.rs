//! Names that their givers made to do harm, in every field that a page shows: they are shown, and
//! that is all.

use serde_json::json;
use vestibule_e2e::{Backend, Browser, Fixture, Setup};

use super::super::Browser as Visitor;
use super::assert_alone;
use crate::pages::organization::ALL;

/// Closes what is open, brings an image with a script, and turns the writing round.
const HOSTILE: &str = "\"'><img src=x onerror=window.owned=1></title><script>window.owned=1</script>\u{202e}\u{2067}{{7*7}}&amp;";

/// A name of this many characters, the hostile one first, without any place to break the line.
fn name(characters: usize) -> String {
    let rest = characters - HOSTILE.chars().count();
    format!("{HOSTILE}{}", "W".repeat(rest))
}

/// What of a page is wrong: an element that a name made, or the direction of writing that it
/// turned outside of itself.
const HARM: &str = "const harm = []; \
    if (window.owned) harm.push('executed'); \
    document.querySelectorAll('img[src=x], script:not([src^=\"/assets/\"])').forEach(it => harm.push(it.outerHTML)); \
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); \
    while (texts.nextNode()) { \
        const text = texts.currentNode; const parent = text.parentElement; \
        if (!text.data.includes('\\u202e') || parent.closest('bdi, option, pre')) continue; \
        const alone = parent.textContent.trim() === text.data.trim(); \
        if (alone && getComputedStyle(parent).display !== 'inline') continue; \
        if (getComputedStyle(parent).unicodeBidi === 'isolate' && parent.tagName === 'CODE') continue; \
        harm.push('not apart: ' + parent.outerHTML); \
    } \
    return harm;";

async fn examine(browser: &Browser, faults: &mut Vec<String>) {
    let url = browser.url().await;
    let open = "document.querySelectorAll('details').forEach(it => it.open = true)";
    for width in [1280, 320] {
        browser.resize(width).await;
        for opened in [false, true] {
            if opened {
                browser.run(open).await;
            }
            let harm = browser.run(HARM).await;
            let harm = harm.as_array().unwrap().iter().map(ToString::to_string);
            let line = |fault| format!("{url} at {width} opened={opened}: {fault}");
            faults.extend(harm.map(line));
            faults.extend(browser.too_wide().await.into_iter().map(line));
        }
        browser.run(&open.replace("true", "false")).await;
    }
}

/// Gives everything in the organisation a hostile name; the id of a connection that has one.
async fn name_everything(fixture: &Fixture) -> String {
    let acme = fixture.acme();
    let hundred = name(100);
    let mut ada = Visitor::of(fixture, &fixture.ada()).await;
    let bob = Visitor::of(fixture, &fixture.bob()).await;
    for visitor in [&ada, &bob] {
        let fields = [
            ("organization", acme),
            ("first_name", HOSTILE),
            ("last_name", hundred.as_str()),
        ];
        visitor.post("/account", &fields).await.expect(303);
    }
    let settings = format!("/organization/{acme}/settings");
    let fields = [("organization", acme), ("name", hundred.as_str())];
    ada.post(&settings, &fields).await.expect(303);
    let fields = [
        ("organization", acme),
        ("name", hundred.as_str()),
        ("expires_in", "never"),
    ];
    ada.make_key(&fields).await.expect(200);
    ada.switch(fixture.globex(), "/account").await;
    let settings = format!("/organization/{}/settings", fixture.globex());
    let fields = [
        ("organization", fixture.globex()),
        ("name", hundred.as_str()),
    ];
    ada.post(&settings, &fields).await.expect(303);

    // These are parts of paths, and may be longer.
    let part = name(200).replace('/', "|");
    let folder = json!({ "name": part, "parent_path_part_id": null });
    let call = fixture.post("/v1/folders").bearer(fixture.key());
    let folder = call.json(folder).send().await.expect(201).text_at("/id");
    let document = json!({ "name": part, "parent_path_part_id": folder, "content": HOSTILE });
    let call = fixture.post("/v1/documents").bearer(fixture.key());
    call.json(document).send().await.expect(201);
    let cookie = fixture.cookie_of(&fixture.ada()).await;
    let call = fixture.post("/api/managed-agents/session").cookie(&cookie);
    let call = call.origin(fixture.url()).json(json!({}));
    let session = call.send().await;
    if session.status == 200 || session.status == 201 {
        let id = session.text_at("/id");
        let call = fixture.post("/api/managed-agents/message").cookie(&cookie);
        let message = json!({ "sessionId": id, "message": name(200) });
        call.origin(fixture.url()).json(message).send().await;
    }

    let connection = json!({
        "name": hundred,
        "settings": { "issuer": fixture.idp_url(), "client_id": name(200) },
        "client_secret": "secret",
        "enabled": false,
        "save_anyway": true,
    });
    let call = fixture.post("/v1/sso/connections").bearer(fixture.key());
    let saved = call.json(connection).send().await.expect(201);
    saved.text_at("/connection/id")
}

#[tokio::test]
async fn hostile_names_are_shown_on_every_page_do_nothing_and_stay_in_their_place() {
    let fixture = Setup::new(Backend::Sqlite).with_idp().start().await;
    let connection = name_everything(&fixture).await;
    let bob = fixture.bob().id;
    let base = format!("/organization/{}", fixture.acme());
    let browser = Browser::start().await;
    let mut faults = Vec::new();
    browser
        .sign_in(&fixture, &fixture.ada(), "/organizations")
        .await;
    examine(&browser, &mut faults).await;
    browser
        .follow(&format!("button[value='{}']", fixture.acme()))
        .await;
    let access = format!("/access?user={bob}&capability=READ_ONLY&path=/shared");
    let mut paths: Vec<_> = ALL
        .iter()
        .chain([&access.as_str()])
        .map(|rest| format!("{base}{rest}"))
        .collect();
    paths.push(format!("{base}/members/{bob}"));
    paths.push(format!("{base}/sso/{connection}"));
    for path in ["", "/keys", "/keys/new", "/sessions", "/password"] {
        paths.push(format!("/account{path}"));
    }
    // Where an organisation that somebody else has made is about to sign one in.
    let another = fixture.sso_connection();
    paths.push(format!("/sign-in/confirm?connection={another}"));
    // The page of two organisations.
    paths.push(format!("/organization/{}/members", fixture.globex()));
    for path in paths {
        browser.open(&fixture, &path).await;
        let shown = browser.driver().source().await.unwrap();
        assert!(shown.contains("{{7*7}}"), "{path} shows no name");
        examine(&browser, &mut faults).await;
    }

    // Longer than names may be: said beside the field, with what was typed.
    browser.open(&fixture, "/account/keys/new").await;
    let script = format!(
        "const field = document.getElementById('f-name'); field.removeAttribute('maxlength'); \
         field.value = {}",
        json!(name(200))
    );
    browser.run(&script).await;
    browser.follow("#content form button").await;
    browser.answered(422).await;
    let said = browser.text("#e-name").await;
    assert_eq!(said, "Name must have at most 100 characters.");
    examine(&browser, &mut faults).await;
    browser
        .fill("#f-name", &HOSTILE.replace('\u{202e}', ""))
        .await;
    browser.follow("#content form button").await;
    browser.find("#secret").await;
    examine(&browser, &mut faults).await;
    assert!(faults.is_empty(), "{faults:#?}");
    assert_alone(&browser, &fixture).await;
}
