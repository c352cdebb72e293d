//! Why the program cannot do what it was asked to.

use std::io;

use llm_lander_probe::server::OriginError;
use shared::text::{Language, UserMessage};

use crate::arguments::UsageError;

#[derive(Debug)]
pub(crate) enum Failure {
    Usage(UsageError),
    /// The port is taken, perhaps by another probe.
    PortTaken {
        port: u16,
        by_probe: bool,
    },
    /// The system does not give this user the port.
    PortForbidden {
        port: u16,
    },
    /// The page is not in this build.
    NoPage,
    System(io::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::System(_) => 1,
            _ => 2,
        }
    }
}

impl UserMessage for Failure {
    fn code(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::PortTaken { .. } => "port_taken",
            Self::PortForbidden { .. } => "port_forbidden",
            Self::NoPage => "no_page",
            Self::System(_) => "system",
        }
    }

    fn message(&self, language: Language) -> String {
        match (self, language) {
            (Self::Usage(error), _) => usage(error, language),
            (
                Self::PortTaken {
                    port,
                    by_probe: true,
                },
                Language::Ja,
            ) => {
                format!("ポート {port} ではすでに別の llm-lander-probe が動いています")
            }
            (
                Self::PortTaken {
                    port,
                    by_probe: true,
                },
                Language::En,
            ) => {
                format!("another llm-lander-probe is already running on port {port}")
            }
            (Self::PortTaken { port, .. }, Language::Ja) => {
                format!("ポート {port} は別のプログラムが使っています")
            }
            (Self::PortTaken { port, .. }, Language::En) => {
                format!("port {port} is in use by another program")
            }
            (Self::PortForbidden { port }, Language::Ja) => {
                format!("ポート {port} を使う権限がありません")
            }
            (Self::PortForbidden { port }, Language::En) => {
                format!("no permission to use port {port}")
            }
            (Self::NoPage, Language::Ja) => "このビルドにはページが含まれていません".into(),
            (Self::NoPage, Language::En) => "this build has no page in it".into(),
            (Self::System(error), Language::Ja) => format!("サーバーが停止しました ({error})"),
            (Self::System(error), Language::En) => format!("the server failed ({error})"),
        }
    }

    fn hint(&self, language: Language) -> String {
        let (ja, en) = match self {
            Self::Usage(UsageError::Port(_)) => (
                "0 から 65535 までの整数を指定してください(0 は空いているポート)",
                "give a whole number from 0 to 65535 (0: any free port)",
            ),
            Self::Usage(UsageError::Origin(..)) => (
                "例: --allow-origin http://localhost:8080",
                "for example: --allow-origin http://localhost:8080",
            ),
            Self::Usage(UsageError::Language(_)) => {
                ("ja か en を指定してください", "give ja or en")
            }
            Self::Usage(_) => (
                "使い方は llm-lander-probe --help で見られます",
                "see llm-lander-probe --help",
            ),
            Self::PortTaken { by_probe: true, .. } => (
                "そのまま使えます。もう 1 つ動かすなら --port で別のポートを指定してください",
                "use that one; to run a second, give another port with --port",
            ),
            Self::PortTaken { .. } | Self::PortForbidden { .. } => (
                "--port で別のポートを指定してください(例: --port 7651)",
                "give another port with --port, for example --port 7651",
            ),
            Self::NoPage => (
                "cargo xtask serve を使うか、--features page を付けてビルドしてください",
                "use cargo xtask serve, or build with --features page",
            ),
            Self::System(_) => (
                "もう一度起動してください。続くようなら --port で別のポートを試してください",
                "start it again; if that does not help, try another --port",
            ),
        };
        language.pick(ja, en).into()
    }
}

fn usage(error: &UsageError, language: Language) -> String {
    match (error, language) {
        (UsageError::Unexpected(word), Language::Ja) => {
            format!("「{word}」はここでは使えません")
        }
        (UsageError::Unexpected(word), Language::En) => format!("“{word}” has no place here"),
        (UsageError::NoValue(option), Language::Ja) => format!("{option} に値がありません"),
        (UsageError::NoValue(option), Language::En) => format!("{option} needs a value"),
        (UsageError::Port(value), Language::Ja) => {
            format!("「{value}」はポート番号ではありません")
        }
        (UsageError::Port(value), Language::En) => format!("“{value}” is not a port number"),
        (UsageError::Origin(value, error), Language::Ja) => {
            format!("オリジン「{value}」は許可できません({})", why_not(*error))
        }
        (UsageError::Origin(value, error), Language::En) => {
            format!("the origin “{value}” cannot be allowed: {error}")
        }
        (UsageError::Language(value), Language::Ja) => {
            format!("言語「{value}」には対応していません")
        }
        (UsageError::Language(value), Language::En) => format!("no texts in language “{value}”"),
    }
}

fn why_not(error: OriginError) -> &'static str {
    match error {
        OriginError::Anybody => "すべてのサイトを許可することになります",
        OriginError::Scheme => "http:// または https:// で始まっていません",
        OriginError::Path => "スキーム、ホスト、ポート以外が付いています",
        OriginError::Host => "ホスト名がないか、ASCII 以外の文字を含みます",
        OriginError::Port => "ポートが数値ではありません",
    }
}
