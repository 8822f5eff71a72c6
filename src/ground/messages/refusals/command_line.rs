//! What is said of words that were typed.

macro_rules! command_line {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    ResultNotPrinted {}
        en "the command was carried out, but its result could not be printed" => "Look at `sekisho list`. A passphrase that was not shown is lost: revoke that certificate and issue another."
        ja "処理は完了しましたが、結果を表示できませんでした" => "sekisho list で確認してください。表示できなかったパスフレーズは失われています。その証明書を破棄し、発行し直してください。"
    NumberOrName { text, number, named }
        en "{text} is the number of certificate {number} and the name of certificate {named}" => "Write the six digits of the one you mean."
        ja "{text} は証明書 {number} の番号であり、証明書 {named} の名前でもあります" => "対象の証明書を6桁の番号で指定してください。"
    UsageUnknownArgument { argument }
        en "there is no argument {argument}" => "See --help."
        ja "{argument} という指定はありません" => "使い方は --help で確認できます。"
    UsageUnknownCommand { command }
        en "there is no command {command}" => "See --help."
        ja "{command} というコマンドはありません" => "使い方は --help で確認できます。"
    UsageMissing { argument }
        en "something is missing: {argument}" => "See --help."
        ja "必要な指定がありません: {argument}" => "使い方は --help で確認できます。"
    UsageInvalidValue { argument, value }
        en "{value} is not a valid value for {argument}" => "See --help."
        ja "{argument} に {value} は指定できません" => "使い方は --help で確認できます。"
    UsageConflict { argument, other }
        en "{argument} cannot be used with {other}" => "See --help."
        ja "{argument} は {other} と一緒に指定できません" => "使い方は --help で確認できます。"
    UsageOther {}
        en "the command line cannot be understood" => "See --help."
        ja "指定が正しくありません" => "使い方は --help で確認できます。"
    Cancelled {}
        en "cancelled; nothing was done" => "Run the command again when you are ready."
        ja "中止しました。何も行っていません" => "準備ができたら、もう一度実行してください。"
    NoTerminal {}
        en "a passphrase is needed, and there is no terminal to ask at" => "Name a file that holds it: --passphrase-file FILE (orca-catool: SEKISHO_PASSPHRASE_FILE=FILE)"
        ja "パスフレーズが必要ですが、入力できる端末がありません" => "パスフレーズを書いたファイルを --passphrase-file で (orca-catool では SEKISHO_PASSPHRASE_FILE で) 指定してください。"
    PassphraseNotText {}
        en "the passphrase is not UTF-8 text" => "Check the file, or type it at the terminal."
        ja "パスフレーズが UTF-8 の文字ではありません" => "ファイルを確認するか、端末で入力してください。"
    PassphraseTooShort { least }
        en "the passphrase is shorter than {least} characters" => "Choose a longer one; several words are easy to remember."
        ja "パスフレーズが短すぎます ({least} 文字以上必要です)" => "もっと長いものにしてください。単語をいくつか並べると覚えやすくなります。"
    PassphraseTooLong { limit }
        en "the passphrase is longer than {limit} bytes" => "Choose a shorter one."
        ja "パスフレーズが{limit}バイトを超えています" => "短いものにしてください。"
    PassphrasesDiffer {}
        en "the two passphrases are not the same" => "Try again; nothing was done."
        ja "2回の入力が一致しません" => "もう一度実行してください。何も行っていません。"
    UnknownAlgorithm { name, known }
        en "{name} is not a key algorithm that can be used here" => "Use one of: {known}"
        ja "{name} という鍵の種類はありません" => "次のいずれかを指定してください: {known}"
    NotANumber { text }
        en "{text} is not a certificate's number" => "See the numbers: orca-catool list_cert"
        ja "{text} は証明書の番号ではありません" => "番号は orca-catool list_cert で確認できます。"
    TimeInvalid { time }
        en "{time} is not a time in the past" => "Write a date such as 2026-11-22, or a time such as 2026-11-22T09:00:00+09:00."
        ja "{time} は過去の日時ではありません" => "2026-11-22 や 2026-11-22T09:00:00+09:00 の形で指定してください。"
    NoHome {}
        en "the home folder is not known" => "Set HOME, or use sekisho with --dir."
        ja "ホームフォルダが分かりません" => "環境変数 HOME を設定するか、sekisho を --dir 付きで使ってください。"
    OrcaConfigMalformed { path }
        en "{path} is not an orca-catool configuration" => "Each line must look like `:server_cert_validity: 3650`; move the file away to start from the defaults."
        ja "{path} は orca-catool の設定ファイルの形式ではありません" => "各行を `:server_cert_validity: 3650` の形にするか、ファイルを移動して既定値から始めてください。"
    OrcaConfigDays { path, key }
        en "{key} in {path} is not a number of days from 1 to 36525" => "Correct it, then try again."
        ja "{path} の {key} が 1 から 36525 の日数ではありません" => "修正して、もう一度実行してください。"
    OrcaServerNameMissing {}
        en "a server certificate needs a host name or an IP address" => "orca-catool issue_server_cert -c HOST, -i IP, or both"
        ja "サーバ証明書にはホスト名か IP アドレスが必要です" => "orca-catool issue_server_cert に -c ホスト名、-i IPアドレス、またはその両方を付けてください。"
    CsvMalformed { path, reason }
        en "{path} cannot be read as CSV: {reason}" => "Its first line must name the columns: name, and if wanted person, device, days."
        ja "{path} を CSV として読めません: {reason}" => "1行目に列名 (name、必要なら person, device, days) を書いてください。"
    CsvColumns { path, found }
        en "the first line of {path} names the columns: {found}" => "The column name is required; person, device and days are optional; there may be no others."
        ja "{path} の1行目の列名は {found} です" => "列名は name が必須で、ほかに使えるのは person, device, days だけです。"
    CsvNotText { path }
        en "{path} is not text in UTF-8" => "Save it again as CSV UTF-8."
        ja "{path} の文字コードが UTF-8 ではありません" => "Excel では「CSV UTF-8 (コンマ区切り)」の形式で保存し直してください。"
    LinesRefused { count }
        en "{count} lines were refused; all others are done" => "Correct them, put them into a file of their own, and run the command on that file."
        ja "{count}行を発行できませんでした。ほかの行は発行済みです" => "その行を直して別のファイルにまとめ、もう一度実行してください。"
    } };
}
