//! The help.

use shared::text::Language;

const JA: &str = "\
llm-lander-probe: GPU の空きメモリーを読み取り、このマシンの中だけに公開します

使い方:
  llm-lander-probe [--port N] [--allow-origin URL]...   http://127.0.0.1:7650 で待ち受ける
  llm-lander-probe --once                               1 回だけ読み取り、JSON で表示して終わる
  llm-lander-probe doctor                               GPU が見えない原因を順に調べる
  llm-lander-probe open                                 読み取った値を添えてページを開く
  llm-lander-probe open --local [--port N]              内蔵のページを開く(オフライン用)

オプション:
  --port N             待ち受けるポート(既定 7650、0 なら空いているポート)
  --allow-origin URL   値の読み取りを許すサイトを追加する(例: http://localhost:8080)
  --lang ja|en         表示の言語(既定は LANG)
  -h, --help           この説明
  -V, --version        バージョン

終了コード: 0 正常、2 使い方の誤り・ポートを使えない、3 GPU を読み取れない
プロセス名、ユーザー名、シリアル番号、UUID は読み取りません。
";

const EN: &str = "\
llm-lander-probe: reads the GPUs' free memory, and serves it to this machine alone

Usage:
  llm-lander-probe [--port N] [--allow-origin URL]...   serve on http://127.0.0.1:7650
  llm-lander-probe --once                               print one reading as JSON
  llm-lander-probe doctor                               find out why a GPU is not seen
  llm-lander-probe open                                 open the page with the readings
  llm-lander-probe open --local [--port N]              open the built-in page (works offline)

Options:
  --port N             port to listen on (default 7650; 0: any free one)
  --allow-origin URL   a further site that may read, for example http://localhost:8080
  --lang ja|en         language of messages (default: from LANG)
  -h, --help           this text
  -V, --version        the version

Exit status: 0 done, 2 bad usage or no such port to be had, 3 no GPU could be read
Process names, users, serial numbers and UUIDs are never read.
";

pub(crate) fn text(language: Language) -> &'static str {
    language.pick(JA, EN)
}
