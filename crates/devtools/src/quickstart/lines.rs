//! Lines to paste: every request there is, each with the answer that it teaches.

use std::fmt::Write as _;
use std::path::Path;

use vestibule_model::{ConnectionId, OrganizationId, Role};

use super::idp::REDIRECT_URI;
use super::quoted::quoted;
use super::shown::Shown;

/// The facts that a line needs.
struct Facts<'a> {
    url: &'a str,
    key: &'a str,
    owner: (&'a str, &'a str),
    user: (&'a str, &'a str),
    user_id: String,
    first: OrganizationId,
    second: OrganizationId,
    /// The command that runs this program on this folder.
    vestibule: String,
    cookie: &'a str,
    /// The connection with the provider for development.
    connection: Option<ConnectionId>,
}

impl Shown {
    /// Renders the facts for people: with everything to paste at the first start, with neither
    /// secret nor line that would need one later.
    pub fn to_text(&self, cookie: &str) -> String {
        let mut text = format!(
            "Vestibule is up at {}, probes and metrics at {}.\nIts data is in {}.\n\n",
            self.url, self.admin_url, self.data_dir
        );
        if let (Some(idp), Some(connection)) = (&self.idp_url, &self.sso_connection_id) {
            let _ = write!(
                text,
                "DEVELOPMENT ONLY: the identity provider at {idp} asks nobody for a password. Who \
                 reaches it can sign in as anybody, owners included; it listens on this machine \
                 alone. The first organisation is connected with it ({connection}).\n\n"
            );
        }
        for organization in &self.organizations {
            let _ = writeln!(
                text,
                "{} ({}), plan {}",
                organization.name, organization.id, organization.plan
            );
            let members = self.users.iter();
            for user in members.filter(|user| user.organization_id == organization.id) {
                let _ = write!(text, "  {} {}", user.role, user.email);
                if let Some(password) = &user.password {
                    let _ = write!(text, ", password {password}");
                }
                text.push('\n');
            }
        }
        if let Some(facts) = self.facts(cookie) {
            let _ = write!(text, "\nAPI key of the owner: {}\n", facts.key);
            text.push_str("None of these secrets is shown again.\n\n");
            let _ = write!(
                text,
                "Open this in a browser and enter the owner's password:\n  {}\n\n",
                self.sign_in_url
            );
            text.push_str(&facts.lines());
        } else {
            let _ = write!(
                text,
                "\nSign in with a browser:\n  {}\n\nThe secrets were shown at the first start.",
                self.sign_in_url
            );
            text.push_str(&self.with_a_new_key().unwrap_or_default());
            text.push('\n');
        }
        text.push_str("\nCtrl-C ends the server; the folder stays.");
        text
    }

    /// Tells how to go on without the secrets.
    fn with_a_new_key(&self) -> Option<String> {
        let owner = self.users.iter().find(|user| user.role == Role::Owner)?;
        let mut organizations = self.organizations.iter();
        let organization = organizations.find(|it| it.id == owner.organization_id)?;
        Some(format!(
            " A new key, and a request with it:\n  KEY=$({} key create {} {} another)\n  curl -i \
             {}/v1/documents -H \"Authorization: Bearer $KEY\"",
            command(&self.folder),
            quoted(organization.name.as_str()),
            quoted(owner.email.as_str()),
            self.url
        ))
    }

    fn facts<'a>(&'a self, cookie: &'a str) -> Option<Facts<'a>> {
        let [first, second] = self.organizations.as_slice() else {
            return None;
        };
        let find = |role| self.users.iter().find(|user| user.role == role);
        let (owner, user) = (find(Role::Owner)?, find(Role::User)?);
        Some(Facts {
            url: &self.url,
            key: self.api_key.as_deref()?,
            owner: (owner.email.as_str(), owner.password.as_deref()?),
            user: (user.email.as_str(), user.password.as_deref()?),
            user_id: user.id.to_string(),
            first: first.id,
            second: second.id,
            vestibule: command(&self.folder),
            cookie,
            connection: self.sso_connection_id,
        })
    }
}

/// This program with the folder's configuration: by its name where the shell would find it.
fn command(data_dir: &Path) -> String {
    let program = std::env::current_exe().ok();
    let found = program.as_deref().is_some_and(|program| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let first = std::env::split_paths(&path)
            .map(|folder| folder.join("vestibule"))
            .find(|candidate| candidate.is_file());
        first.and_then(|first| first.canonicalize().ok()) == program.canonicalize().ok()
    });
    let name = match &program {
        Some(program) if !found => quoted(program.as_os_str()),
        _ => "vestibule".to_owned(),
    };
    format!("{name} --data-dir {}", quoted(data_dir.as_os_str()))
}

/// The lines. `{…}` in capitals stands for a fact; the rest is as it is pasted. What is long or
/// secret stands once, in a variable, so that the lines can be read.
const LINES: &str = r#"# ---- Paste from here, in order ----
# What the lines below speak of: the server, the owner with a key, a plain user, two organisations.
URL={URL}
KEY={KEY}
AUTH="Authorization: Bearer $KEY"
JSON="Content-Type: application/json"
OWNER={OWNER}
OWNER_PASSWORD={OWNER_PASSWORD}
MEMBER={USER}
MEMBER_PASSWORD={USER_PASSWORD}
MEMBER_ID={USER_ID}
FIRST={FIRST}
SECOND={SECOND}
# In this shell, what curl prints ends with a line break.
curl() { command curl -w '\n' "$@"; }

# Without a credential: 401, and what to send instead.
curl -i $URL/v1/documents
# With the API key: 200, every document of the organisation.
curl $URL/v1/documents -H "$AUTH"
curl $URL/v1/users/me -H "$AUTH"
# Another key, shown once; and one that only reads below /shared.
NEW=$(curl -s -X POST $URL/v1/api-keys -H "$AUTH" -H "$JSON" -d '{"name": "my-service-key"}'); echo "$NEW"
NEW_KEY=$(echo "$NEW" | sed 's/.*"key":"\([^"]*\)".*/\1/'); NEW_ID=$(echo "$NEW" | sed 's/.*"id":"\(key_[^"]*\)".*/\1/')
curl -X POST $URL/v1/api-keys -H "$AUTH" -H "$JSON" -d '{"name": "reader", "expires_at": "2099-01-01T00:00:00Z", "grants": [{"path": "/shared", "capability": "READ_ONLY"}]}'
curl $URL/v1/api-keys -H "$AUTH"
curl $URL/v1/api-keys/$NEW_ID -H "$AUTH"
curl $URL/v1/documents -H "Authorization: Bearer $NEW_KEY"
# Deleted, it is refused on the next request: 204, then 401.
curl -i -X DELETE $URL/v1/api-keys/$NEW_ID -H "$AUTH"
curl -i $URL/v1/documents -H "Authorization: Bearer $NEW_KEY"

# Sign in with a password, for an access token. This is a plain user: the list is cut to his paths.
TOKEN=$(curl -s -X POST $URL/v1/auth/pw/signin -H "$JSON" -d '{"email": "'$MEMBER'", "password": "'$MEMBER_PASSWORD'"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/'); echo $TOKEN
curl $URL/v1/users/me -H "Authorization: Bearer $TOKEN"
curl $URL/v1/documents -H "Authorization: Bearer $TOKEN"
curl $URL/v1/folders -H "Authorization: Bearer $TOKEN"
# Writing where he may only read: 403, with the cause and the way out.
REPORTS=$(curl -s $URL/v1/documents -H "Authorization: Bearer $TOKEN" | sed 's/.*"parent_path_part_id":"\(folder_[^"]*\)","materialized_path":"\/shared\/reports\/.*/\1/'); echo $REPORTS
curl -i -X POST $URL/v1/documents -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"name": "q2", "parent_path_part_id": "'$REPORTS'", "content": "not yet"}'
# The owner lets him write there, and it holds on the next request: 201, 201.
GRANT=$(curl -s -X POST $URL/v1/user-permissions -H "$AUTH" -H "$JSON" -d '{"tenant_id": "'$FIRST'", "user_id": "'$MEMBER_ID'", "path": "/shared/reports", "capability": "READ_WRITE"}'); echo "$GRANT"; GRANT_ID=$(echo "$GRANT" | sed 's/.*"id":"\(grant_[^"]*\)".*/\1/')
DOCUMENT=$(curl -s -X POST $URL/v1/documents -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"name": "q2", "parent_path_part_id": "'$REPORTS'", "content": "better"}'); echo "$DOCUMENT"; DOCUMENT_ID=$(echo "$DOCUMENT" | sed 's/.*"id":"\(doc_[^"]*\)".*/\1/')
curl $URL/v1/documents/$DOCUMENT_ID -H "Authorization: Bearer $TOKEN"
curl -X PATCH $URL/v1/documents/$DOCUMENT_ID -H "Authorization: Bearer $TOKEN" -H "$JSON" -d '{"name": "q2-final"}'
# Deleting asks for more than writing: 403, and 204 for the owner.
curl -i -X DELETE $URL/v1/documents/$DOCUMENT_ID -H "Authorization: Bearer $TOKEN"
curl -i -X DELETE $URL/v1/documents/$DOCUMENT_ID -H "$AUTH"
# What he was granted; changed; taken back.
curl "$URL/v1/user-permissions?tenant_id=$FIRST&user_id=$MEMBER_ID" -H "$AUTH"
curl -X PATCH "$URL/v1/user-permissions/$GRANT_ID?tenant_id=$FIRST" -H "$AUTH" -H "$JSON" -d '{"capability": "READ_WRITE_DELETE"}'
curl -i -X DELETE "$URL/v1/user-permissions/$GRANT_ID?tenant_id=$FIRST" -H "$AUTH"
# Folders work as documents do.
FOLDER_ID=$(curl -s -X POST $URL/v1/folders -H "$AUTH" -H "$JSON" -d '{"name": "drafts", "parent_path_part_id": "'$REPORTS'"}' | sed 's/.*"id":"\(folder_[^"]*\)".*/\1/'); echo $FOLDER_ID
curl $URL/v1/folders/$FOLDER_ID -H "$AUTH"
curl -X PATCH $URL/v1/folders/$FOLDER_ID -H "$AUTH" -H "$JSON" -d '{"name": "old-drafts"}'
curl -i -X DELETE $URL/v1/folders/$FOLDER_ID -H "$AUTH"

# A token is refreshed, signed out (200, also without a credential), and refused: 401.
TOKEN=$(curl -s -X POST $URL/v1/auth/uat -H "Authorization: Bearer $TOKEN" | sed 's/.*"access_token":"\([^"]*\)".*/\1/'); echo $TOKEN
curl -i -X POST $URL/v1/auth/signout -H "Authorization: Bearer $TOKEN"
curl -i $URL/v1/users/me -H "Authorization: Bearer $TOKEN"
# The organisations of the owner; a token for the other one sees only the documents there.
curl $URL/v1/tenants -H "$AUTH"
curl $URL/v1/tenants/$FIRST -H "$AUTH"
OWNER_TOKEN=$(curl -s -X POST $URL/v1/auth/pw/signin -H "$JSON" -d '{"email": "'$OWNER'", "password": "'$OWNER_PASSWORD'"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
OTHER_TOKEN=$(curl -s -X POST $URL/v1/auth/uat -H "Authorization: Bearer $OWNER_TOKEN" -H "$JSON" -d '{"tenant_id": "'$SECOND'"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl $URL/v1/documents -H "Authorization: Bearer $OTHER_TOKEN"

# A browser signs in and keeps a cookie; its requests carry the Origin of the page.
COOKIE=$(curl -s -o /dev/null -D - -X POST $URL/api/auth/sign-in -H "Origin: $URL" -H "$JSON" -d '{"email": "'$OWNER'", "password": "'$OWNER_PASSWORD'"}' | sed -n 's/^[Ss]et-[Cc]ookie: \({COOKIE}=[^;]*\).*/\1/p'); echo "$COOKIE"
curl $URL/api/auth/session -H "Cookie: $COOKIE"
curl $URL/api/managed-agents/sessions -H "Cookie: $COOKIE"
# Without the Origin a change is refused, 403; with it, accepted.
curl -i -X POST $URL/api/managed-agents/session -H "Cookie: $COOKIE" -H "$JSON" -d '{"text": "Summarise the reports"}'
SESSION_ID=$(curl -s -X POST $URL/api/managed-agents/session -H "Cookie: $COOKIE" -H "Origin: $URL" -H "$JSON" -d '{"text": "Summarise the reports"}' | sed 's/.*"id":"\([^"]*\)".*/\1/'); echo $SESSION_ID
curl -X POST $URL/api/managed-agents/message -H "Cookie: $COOKIE" -H "Origin: $URL" -H "$JSON" -d '{"sessionId": "'$SESSION_ID'", "text": "Only the first quarter"}'
curl "$URL/api/managed-agents/transcript?sessionId=$SESSION_ID" -H "Cookie: $COOKIE"
curl -X POST $URL/api/managed-agents/cancel -H "Cookie: $COOKIE" -H "Origin: $URL" -H "$JSON" -d '{"sessionId": "'$SESSION_ID'"}'
curl -X DELETE "$URL/api/managed-agents/session?sessionId=$SESSION_ID" -H "Cookie: $COOKIE" -H "Origin: $URL"
# An API key does here too, and needs no Origin.
curl -X POST $URL/api/managed-agents/session -H "$AUTH" -H "$JSON" -d '{"text": "Hello from a server"}'
# Without a cookie: 401.
curl -i $URL/api/managed-agents/sessions

# Switch the organisation: a new cookie, and the old one is refused, 401.
OLD_COOKIE=$COOKIE; COOKIE=$(curl -s -o /dev/null -D - -X POST $URL/api/auth/switch-org -H "Cookie: $COOKIE" -H "Origin: $URL" -H "$JSON" -d '{"organizationId": "'$SECOND'"}' | sed -n 's/^[Ss]et-[Cc]ookie: \({COOKIE}=[^;]*\).*/\1/p'); echo "$COOKIE"
curl -i $URL/api/auth/session -H "Cookie: $OLD_COOKIE"
curl $URL/api/auth/session -H "Cookie: $COOKIE"
# Its plan has no agents: 403. On another plan it has them, from the next request on: 200.
curl -i -X POST $URL/api/managed-agents/session -H "Cookie: $COOKIE" -H "Origin: $URL" -H "$JSON" -d '{"text": "Hello from Globex"}'
{VESTIBULE} plan set $SECOND team
curl -i -X POST $URL/api/managed-agents/session -H "Cookie: $COOKIE" -H "Origin: $URL" -H "$JSON" -d '{"text": "Hello from Globex"}'
# Sign out: the cookie is dead, 401.
curl -i -X POST $URL/api/auth/sign-out -H "Cookie: $COOKIE" -H "Origin: $URL"
curl -i $URL/api/auth/session -H "Cookie: $COOKIE"

# Why is a request refused, or let through?
echo $KEY | {VESTIBULE} explain --credential-stdin GET /v1/documents
# For everybody: health, the keys that verify tokens, every route.
curl $URL/healthz
curl $URL/.well-known/jwks.json
curl -s -o /dev/null -w '%{http_code}\n' $URL/openapi.json
"#;

/// More lines, where a provider for development runs beside the server.
const SSO_LINES: &str = r#"
# Single sign-on, as an application begins it: 200. Open the URL in a browser and pick a person: it ends at the redirect_uri, with #access_token=… in the address.
SSO=$(curl -s -X POST $URL/v1/auth/sso/initiate -H "Content-Type: application/json" -d '{"tenant_id": "'$FIRST'", "redirect_uri": "{REDIRECT_URI}"}' | sed 's/.*"redirect_url":"\([^"]*\)".*/\1/'); echo "$SSO"
# What the browser does, by hand: to the provider, past its page as Cleo, back with its cookie, and on to the application with the token: 303, 303, 303.
JAR=$(mktemp)
AT=$(curl -s -o /dev/null -D - -c $JAR "$SSO" | sed -n 's/^[Ll]ocation: \([^[:space:]]*\).*/\1/p'); echo "$AT"
BACK=$(curl -s -o /dev/null -D - "$AT&email=cleo@example.com" | sed -n 's/^[Ll]ocation: \([^[:space:]]*\).*/\1/p'); echo "$BACK"
END=$(curl -s -o /dev/null -D - -b $JAR "$BACK" | sed -n 's/^[Ll]ocation: \([^[:space:]]*\).*/\1/p'); rm $JAR; echo "$END"
# With that token: 200.
curl $URL/v1/users/me -H "Authorization: Bearer $(echo "$END" | sed 's/.*#access_token=\([^&]*\).*/\1/')"
# The last attempts of the connection, each with the clause that failed: 200.
curl $URL/v1/sso/connections/{CONNECTION}/attempts -H "$AUTH"
"#;

const END: &str = "# ---- to here ----\n";

impl Facts<'_> {
    fn lines(&self) -> String {
        let (first, second) = (self.first.to_string(), self.second.to_string());
        let facts = [
            ("{URL}", self.url),
            ("{KEY}", self.key),
            ("{OWNER}", self.owner.0),
            ("{OWNER_PASSWORD}", self.owner.1),
            ("{USER}", self.user.0),
            ("{USER_PASSWORD}", self.user.1),
            ("{USER_ID}", &self.user_id),
            ("{FIRST}", &first),
            ("{SECOND}", &second),
            ("{VESTIBULE}", &self.vestibule),
            ("{COOKIE}", self.cookie),
        ];
        let mut lines = LINES.to_owned();
        if let Some(connection) = self.connection {
            let more = SSO_LINES.replace("{REDIRECT_URI}", REDIRECT_URI);
            lines.push_str(&more.replace("{CONNECTION}", &connection.to_string()));
        }
        lines.push_str(END);
        facts
            .iter()
            .fold(lines, |lines, (name, fact)| lines.replace(name, fact))
    }
}
