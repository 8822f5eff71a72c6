//! What is said of configuration files.

macro_rules! configuration {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    // ---- config: sekisho.toml ----
    ConfigurationRefused { path, count }
        en "{path} cannot be used; problems found: {count}" => "Correct what is named above. sekisho config example shows every setting."
        ja "{path} は使えません (問題: {count}件)" => "上に示した箇所を直してください。すべての設定は sekisho config example で確認できます。"
    SettingSyntax { reason }
        en "this is not TOML: {reason}" => "Compare the line with those of: sekisho config example"
        ja "TOML の書き方に誤りがあります: {reason}" => "sekisho config example の書き方と見比べてください。"
    VersionMissing {}
        en "the file does not say its version" => "Begin it with the line: version = 1"
        ja "ファイルの版の指定がありません" => "先頭に version = 1 の行を入れてください。"
    VersionUnsupported {}
        en "this program reads files of version 1 only" => "Write version = 1, or use the sekisho that the file was written for."
        ja "この sekisho が読めるのは版 1 のファイルだけです" => "version = 1 と書くか、このファイルに合う sekisho を使ってください。"
    SettingUnknown { key, section, nearest }
        en "there is no {key} in {section}" => "Did you mean {nearest}?"
        ja "{section} に {key} という設定はありません" => "{nearest} の間違いではありませんか。"
    SettingUnknownFar { key, section, known }
        en "there is no {key} in {section}" => "Known settings: {known}"
        ja "{section} に {key} という設定はありません" => "使える設定: {known}"
    SettingMissing { key, section }
        en "{section} has no {key}" => "Add it; sekisho config example shows how."
        ja "{section} に {key} がありません" => "sekisho config example を参考に追加してください。"
    SettingNotText { key }
        en "{key} must be text" => "Put it in quotes: {key} = \"...\""
        ja "{key} は文字列で指定します" => "引用符で囲んでください: {key} = \"...\""
    SettingNotTexts { key }
        en "{key} must be a list of quoted texts" => "Put them in brackets: {key} = [\"...\", \"...\"]"
        ja "{key} は文字列の並びで指定します" => "角かっこで囲んでください: {key} = [\"...\", \"...\"]"
    SettingNotNumber { key, least, most }
        en "{key} must be a whole number from {least} to {most}" => "Write it without quotes."
        ja "{key} は {least} から {most} までの整数で指定します" => "引用符を付けずに書いてください。"
    SettingNotNumbers { key }
        en "{key} must be a list of whole numbers" => "Write them in brackets: {key} = [1000, 1001]"
        ja "{key} は整数の並びで指定します" => "角かっこで囲んでください: {key} = [1000, 1001]"
    SettingNotFlag { key }
        en "{key} must be true or false" => "Write true or false, without quotes."
        ja "{key} は true か false で指定します" => "引用符を付けずに true または false と書いてください。"
    SettingNotOneOf { key, choices }
        en "{key} must be one of {choices}" => "Write one of them, in quotes."
        ja "{key} に指定できるのは {choices} のいずれかです" => "引用符で囲んで、いずれかを書いてください。"
    SettingNotTable { key }
        en "{key} must be a section" => "Write [{key}] on a line of its own, and its settings below."
        ja "{key} は区画 (セクション) です" => "[{key}] を独立した行に書き、その下に設定を並べてください。"
    SettingNotTables { key }
        en "there can be several {key}, so each begins with double brackets" => "Write [[{key}]] on a line of its own, and its settings below."
        ja "{key} は複数置けるため、二重の角かっこで始めます" => "[[{key}]] を独立した行に書き、その下に設定を並べてください。"
    SettingEmpty { key }
        en "{key} is empty" => "Give it a value, or remove the line."
        ja "{key} が空です" => "値を入れるか、その行を消してください。"
    SettingTooLong { key, limit }
        en "{key} is longer than {limit} characters" => "Shorten it."
        ja "{key} が{limit}文字を超えています" => "短くしてください。"
    SettingHidden { key }
        en "{key} contains a character that cannot be seen" => "Type the value again instead of pasting it."
        ja "{key} に目に見えない文字が含まれています" => "貼り付けではなく、値を入力し直してください。"
    SettingNeeds { key, needs }
        en "{key} has no effect without {needs}" => "Add {needs}, or remove {key}."
        ja "{key} は {needs} と一緒に指定する設定です" => "{needs} を追加するか、{key} を消してください。"
    SettingsExclude { key, other }
        en "{key} and {other} cannot be used together" => "Remove one of them."
        ja "{key} と {other} は一緒に指定できません" => "どちらかを消してください。"
    SettingNeedsAuthority { what }
        en "{what} needs the CA of this configuration, and there is no [authority]" => "Add [authority]. A gate can instead have files of its own: certificate, key and authorities."
        ja "{what} には認証局が必要ですが、[authority] がありません" => "[authority] を追加してください。関所には、代わりに certificate・key・authorities でファイルを指定することもできます。"
    NothingToServe {}
        en "there is neither [authority] nor [[gate]]: nothing to serve" => "Add them; sekisho config example shows how."
        ja "[authority] も [[gate]] もないため、動かすものがありません" => "sekisho config example を参考に追加してください。"
    NothingToPublish {}
        en "[publish] has neither listen nor folder nor metrics: nothing to publish" => "Add one of them, or remove [publish]."
        ja "[publish] に listen・folder・metrics のいずれもありません" => "いずれかを追加するか、[publish] を消してください。"
    GateNameInvalid { name, limit }
        en "{name} cannot be the name of a gate" => "Use 1 to {limit} characters, only a-z, 0-9 and -."
        ja "{name} は関所の名前に使えません" => "英小文字・数字・ハイフン (-) だけで、1〜{limit}文字にしてください。"
    GateNameTwice { name, first }
        en "two gates are called {name}; the other is in line {first}" => "Give each its own name."
        ja "{name} という名前の関所がすでに {first} 行目にあります" => "別々の名前を付けてください。"
    HostNameInvalid { name }
        en "{name} is neither a host name nor an IP address" => "Write each as visitors type it, without https:// and the port."
        ja "{name} はホスト名でも IP アドレスでもありません" => "接続に使う名前を、https:// とポートを除いて書いてください。"
    AddressTwice { address, one, other, first }
        en "{one} cannot listen at {address}: {other} already does (line {first})" => "Give each its own port or address."
        ja "{address} では {other} ({first} 行目) が待ち受けるため、{one} は使えません" => "別々のポートまたはアドレスを指定してください。"
    CredentialNameInvalid { name }
        en "{name} cannot be the name of a systemd credential" => "Write the NAME of LoadCredential=NAME:FILE; only letters, digits, -, _ and . are allowed."
        ja "{name} は systemd のクレデンシャルの名前に使えません" => "LoadCredential=名前:ファイル の「名前」を、英数字と - _ . だけで書いてください。"
    MetricsAddressInvalid { address }
        en "{address} is not an address for metrics" => "Write an address and a port such as 127.0.0.1:9090, or a Unix socket such as unix:/run/sekisho-metrics/metrics.sock."
        ja "{address} は監視用のアドレスに使えません" => "127.0.0.1:9090 のようなアドレスとポート、または unix:/run/sekisho-metrics/metrics.sock のようなソケットを指定してください。"
    MetricsForOthers { address }
        en "anybody who reaches {address} could read the metrics" => "Use 127.0.0.1 or a Unix socket, or accept it with allow_remote_metrics = true."
        ja "{address} に届く人は、だれでも監視情報を読めてしまいます" => "127.0.0.1 かソケットを使ってください。承知のうえで使う場合は allow_remote_metrics = true としてください。"

    // ---- config: jma-receipt.conf ----
    ConfigurationLineInvalid { path, line }
        en "line {line} of {path} is not KEY=VALUE" => "Correct the line, or put # before it."
        ja "{path} の {line} 行目が「キー=値」の形ではありません" => "その行を直すか、行頭に # を付けてください。"
    ConfigurationNotText { path }
        en "{path} is not a text file in UTF-8" => "Check that it is the right file."
        ja "{path} はUTF-8のテキストファイルではありません" => "正しいファイルか確認してください。"
    ConfigurationKeyMissing { path, keys }
        en "{path} does not set {keys}" => "Add the line: KEY=path of the file."
        ja "{path} に {keys} の設定がありません" => "「キー=ファイルのパス」の行を追加してください。"

    // ---- config: what the machine says ----
    AddressInUse { address }
        en "something already listens at {address}" => "If that is sekisho itself, all is well; if not, see what it is with: ss -ltnp"
        ja "{address} では、すでに何かが待ち受けています" => "sekisho 自身であれば問題ありません。そうでなければ ss -ltnp で確認してください。"
    AddressDenied { address }
        en "this user may not listen at {address}" => "Run the check as the service's user, or allow that user to use ports below 1024."
        ja "このユーザーには {address} で待ち受ける権限がありません" => "サービスのユーザーで確認するか、1024 未満のポートを使う権限を与えてください。"
    NoRevocationList { gate }
        en "{gate} has no revocation list: revoked certificates are let in" => "Name the list of its CA with crl (or --crl)."
        ja "{gate} に破棄リストの指定がないため、破棄した証明書でも通れます" => "認証局の破棄リストを crl (または --crl) で指定してください。"
    CertificateEndsSoon { path, until, days }
        en "a certificate in {path} ends on {until}, in {days} days" => "Replace it before then."
        ja "{path} の証明書の有効期限は {until} です (残り{days}日)" => "期限までに新しい証明書に置き換えてください。"
    CertificateHasEnded { path, until }
        en "a certificate in {path} ended on {until}" => "Replace it; until then it lets nobody connect."
        ja "{path} の証明書は {until} に期限が切れています" => "新しい証明書に置き換えてください。このままでは接続できません。"
    /// Its owner, group and mode keep the service's user out.
    NotForTheService { path, owner, mode, command }
        en "the packaged service runs as the user sekisho, which may not read {path} (owner {owner}, mode {mode})" => "Let it: {command}"
        ja "パッケージのサービスはユーザー sekisho で動くため、{path} を読めません (所有者 {owner}、モード {mode})" => "次のコマンドで読めるようにしてください: {command}"
    /// A folder above it does.
    NoWayForTheService { path, folder, owner, mode }
        en "the packaged service runs as the user sekisho, which may not pass through {folder} (owner {owner}, mode {mode}) to {path}" => "Move the file elsewhere, such as /etc/sekisho, or let others pass through the folder: chmod o+x {folder}"
        ja "パッケージのサービスはユーザー sekisho で動くため、{folder} (所有者 {owner}、モード {mode}) を通れず、{path} を読めません" => "ファイルを /etc/sekisho などに移すか、次のコマンドでフォルダを通れるようにしてください: chmod o+x {folder}"

    // ---- config check --profile ----
    ProfileNotMet { path, profile, count }
        en "{path} does not meet {profile} (requirements not met: {count})" => "Make the change shown beside each, then check again."
        ja "{path} は {profile} に適合していません (不適合: {count}件)" => "それぞれの行の指示に従って変更し、もう一度確認してください。"
    } };
}
