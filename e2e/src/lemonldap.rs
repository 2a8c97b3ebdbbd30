//! An identity provider that others wrote and Debian packages: `LemonLDAP::NG`.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command as Blocking, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{Page, Visitor, guardian};

const PORTAL: &str = "/usr/share/lemonldap-ng/portal/htdocs/index.psgi";
/// Perl modules of ours.
const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/providers/lemonldap");
/// Prints a new RSA key, the private part first.
const NEW_KEY: &str = "my $key = Crypt::OpenSSL::RSA->generate_key(2048); \
    print $key->get_private_key_string, $key->get_public_key_x509_string;";

/// A running portal with its demonstration users, whose passwords are their names: `dwho`,
/// `rtyler`, `msmith`, all of badwolf.org. It ends with this value.
#[derive(Debug)]
pub struct Lemonldap {
    issuer: String,
    process: Option<Child>,
    private: String,
    public: String,
    folder: TempDir,
}

/// What the portal is told of an application.
#[derive(Debug, Clone, Copy)]
pub struct LemonldapClient<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its secret.
    pub secret: &'a str,
    /// Where its people come back to.
    pub redirect_uri: &'a str,
}

impl Lemonldap {
    /// Starts a portal that knows one application.
    ///
    /// # Panics
    /// Where the packages are missing.
    pub async fn start(client: LemonldapClient<'_>) -> Self {
        assert!(
            Path::new(PORTAL).exists(),
            "{PORTAL} is missing: run `cargo xtask install` as root on a Debian"
        );
        let perl = Blocking::new("perl")
            .args(["-MCrypt::OpenSSL::RSA", "-e", NEW_KEY])
            .output();
        let keys = String::from_utf8(perl.unwrap().stdout).unwrap();
        let (private, public) = keys.split_at(keys.find("-----BEGIN PUBLIC").unwrap());
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut portal = Self {
            issuer: format!("http://127.0.0.1:{port}"),
            process: None,
            private: private.to_owned(),
            public: public.to_owned(),
            folder: TempDir::with_prefix("vestibule-lemonldap-").unwrap(),
        };
        portal.enter(client).await;
        portal
    }

    /// Its issuer, which is its URL.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its discovery URL.
    pub fn discovery(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.issuer)
    }

    /// Starts it again with another application in place of the one it knew.
    pub async fn enter(&mut self, client: LemonldapClient<'_>) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            process.wait().await.unwrap();
        }
        let folder = self.folder.path();
        for name in ["conf", "cache", "sessions/lock", "psessions/lock"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        let settings = folder.join("conf/lmConf-1.json");
        std::fs::write(settings, self.settings(client).to_string()).unwrap();
        std::fs::remove_dir_all(folder.join("cache")).unwrap();
        let file = folder.join("lemonldap-ng.ini");
        std::fs::write(&file, ini(folder)).unwrap();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let port = self.issuer.rsplit(':').next().unwrap();
        let [shell, words @ ..] = guardian::words("plackup".as_ref());
        let process = Command::new(shell)
            .args(words)
            .args(["-s", "HTTP::Server::PSGI", "--host", "127.0.0.1"])
            .args(["--port", port, PORTAL])
            .env("LLNG_DEFAULTCONFFILE", &file)
            .env("PERL5LIB", MODULES)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.process = Some(process.expect("start the portal"));
        self.wait().await;
    }

    async fn wait(&self) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for _ in 0..600 {
            let answer = client.get(self.discovery()).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let log = std::fs::read_to_string(self.folder.path().join("log"));
        panic!("the portal does not start: {}", log.unwrap_or_default());
    }

    fn settings(&self, client: LemonldapClient<'_>) -> Value {
        let folder = |name: &str| self.folder.path().join(name).display().to_string();
        let store = |name: &str| json!({ "Directory": folder(name), "LockDirectory": folder(&format!("{name}/lock")) });
        json!({
            "cfgNum": "1",
            "cfgAuthor": "test",
            "cfgDate": "1700000000",
            "cfgVersion": "2.16.1",
            "key": "a key for what the portal keeps in cookies",
            "portal": format!("{}/", self.issuer),
            "domain": "127.0.0.1",
            "securedCookie": 0,
            "authentication": "Demo",
            "userDB": "Same",
            "passwordDB": "Demo",
            "registerDB": "Null",
            "captcha": "NoCaptcha",
            "portalDisplayResetPassword": 0,
            "portalDisplayRegister": 0,
            "requireToken": 0,
            "demoExportedVars": { "cn": "cn", "mail": "mail", "uid": "uid" },
            "locationRules": { "default": { "default": "accept" } },
            "macros": { "proved": "1" },
            "globalStorage": "Apache::Session::File",
            "globalStorageOptions": store("sessions"),
            "persistentStorage": "Apache::Session::File",
            "persistentStorageOptions": store("psessions"),
            "localSessionStorage": "Cache::NullCache",
            "issuerDBOpenIDConnectActivation": 1,
            "oidcServiceMetaDataIssuer": self.issuer,
            "oidcServicePrivateKeySig": self.private,
            "oidcServicePublicKeySig": self.public,
            "oidcServiceKeyIdSig": "first",
            "oidcRPMetaDataExportedVars": {
                "vestibule": { "email": "mail", "name": "cn", "email_verified": "proved;bool;auto" },
            },
            "oidcRPMetaDataOptions": {
                "vestibule": {
                    "oidcRPMetaDataOptionsClientID": client.id,
                    "oidcRPMetaDataOptionsClientSecret": client.secret,
                    "oidcRPMetaDataOptionsRedirectUris": client.redirect_uri,
                    "oidcRPMetaDataOptionsIDTokenSignAlg": "RS256",
                    "oidcRPMetaDataOptionsUserIDAttr": "uid",
                    "oidcRPMetaDataOptionsBypassConsent": 1,
                    "oidcRPMetaDataOptionsRequirePKCE": 1,
                },
            },
        })
    }

    /// Signs in at its form as one of its users; the page or the way to which this leads.
    pub async fn sign_in(visitor: &mut Visitor, form: &Page, user: &str) -> Page {
        visitor
            .submit(form, &[("user", user), ("password", user)])
            .await
    }
}

fn ini(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "[all]\n\
         logLevel = warn\n\
         logger = Lemonldap::NG::Common::Logger::Std\n\
         [configuration]\n\
         type = File\n\
         dirName = {folder}/conf\n\
         localStorage = Cache::FileCache\n\
         localStorageOptions = {{ 'namespace' => 'c', 'cache_root' => '{folder}/cache' }}\n\
         [portal]\n\
         staticPrefix = /static\n\
         templateDir = /usr/share/lemonldap-ng/portal/templates\n\
         languages = en\n"
    )
}
