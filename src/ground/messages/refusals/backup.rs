//! What is said of backups, restoring and anchors.

macro_rules! backup {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    // ---- backup ----
    NotABackup {}
        en "the file is not a sekisho backup" => "Give the file that `sekisho backup --to FILE` wrote."
        ja "sekisho のバックアップファイルではありません" => "sekisho backup --to ファイル で作成したファイルを指定してください。"
    BackupDamaged {}
        en "the backup is damaged or cut short" => "Use another copy of it, or an earlier backup, and check the disk it lay on."
        ja "バックアップが壊れているか、途中で切れています" => "別のコピーか以前のバックアップを使い、保存していたディスクを点検してください。"
    BackupCosts {}
        en "the backup has settings that sekisho never writes" => "The file was changed by something else; use another copy of it."
        ja "バックアップに、sekisho が書き込むことのない値があります" => "ファイルが書き換えられています。別のコピーを使ってください。"
    WrongBackupPassphrase {}
        en "the passphrase does not open the backup" => "Type the passphrase that was set for this backup; it is not the vault's."
        ja "パスフレーズが違うため、バックアップを開けられません" => "このバックアップの作成時に決めたパスフレーズを入力してください (金庫のパスフレーズとは別のものです)。"
    NoTerminalForBackup {}
        en "the backup needs a passphrase of its own, and there is no terminal to ask at" => "Name a file that holds it: --backup-passphrase-file FILE"
        ja "バックアップ専用のパスフレーズが必要ですが、入力できる端末がありません" => "パスフレーズを書いたファイルを --backup-passphrase-file で指定してください。"
    /// The authority was started again, or another copy was begun.
    BackupInterrupted {}
        en "the backup was interrupted: the service was restarted, or another backup was begun" => "Start the backup again."
        ja "サービスの再起動か別のバックアップの開始により、バックアップが中断されました" => "バックアップをもう一度実行してください。"
    BackupForgotten {}
        en "the service was restarted, or another backup was begun, before this one was finished" => "The file is complete; `sekisho backup verify FILE` tries it out. To have a backup on record, make another one."
        ja "このバックアップが終わる前に、サービスが再起動したか、別のバックアップが開始されました" => "ファイルは完成しています。sekisho backup verify ファイル で確かめられます。記録を残すには、もう一度バックアップしてください。"
    FolderNotBlank { folder, name }
        en "{folder} is not empty ({name} is in it), and a backup is only restored into an empty folder" => "Move its contents away, or name another folder with --dir."
        ja "{folder} が空ではないため ({name} があります)、復元できません" => "中のものを別の場所に移すか、--dir で空のフォルダを指定してください。"
    NotReconciled { folder }
        en "this CA was restored from a backup and does not yet know what was revoked since: nothing is signed and nobody is let in" => "Give it the newest published CRL: sekisho restore reconcile --crl FILE --dir {folder}. Only if there is none: --without-crl instead of --crl FILE."
        ja "この認証局はバックアップから復元されたもので、その後に破棄された証明書をまだ把握していません。署名も接続の許可も止めています" => "公開済みの最新の CRL を指定してください: sekisho restore reconcile --crl ファイル --dir {folder}。CRL がまったくない場合だけ、--crl ファイル の代わりに --without-crl を指定します。"
    NothingToReconcile {}
        en "this CA was not restored from a backup, or is reconciled already" => "Nothing needs to be done."
        ja "この認証局は復元されたものではないか、すでに照合が済んでいます" => "必要な操作はありません。"
    RevocationListOlderThanBackup { list, known }
        en "CRL {list} is older than the backup, which knows CRL {known}" => "Find the newest CRL: ask those who fetch it, such as other servers, or look where it was published."
        ja "CRL {list} はバックアップより古いものです (バックアップには CRL {known} までの記録があります)" => "最新の CRL を探してください。公開先のほか、CRL を取得している他のサーバにも残っていることがあります。"

    // ---- anchor ----
    NotAnAnchor {}
        en "this is not an anchor" => "Give the file that `sekisho anchor export` wrote, or type its groups of letters."
        ja "アンカーではありません" => "sekisho anchor export が書き出したファイルを指定するか、その英数字を入力してください。"
    AnchorMistyped {}
        en "the anchor has a typing error, or is incomplete" => "Compare it with the paper, group by group."
        ja "アンカーに入力の誤りか抜けがあります" => "紙の控えと 4 文字ずつ見比べてください。"
    AnchorOfAnother {}
        en "the anchor belongs to another CA" => "Name the folder of that CA with --dir, or use this CA's anchor."
        ja "別の認証局のアンカーです" => "--dir でその認証局のフォルダを指定するか、この認証局のアンカーを使ってください。"
    AnchorForged {}
        en "the anchor's seal is not this vault's: somebody else made it" => "Use an anchor that was kept in another place, and find out who made this one."
        ja "アンカーの封印がこの金庫のものではありません。他人が作ったものです" => "別の場所に保管したアンカーを使い、このアンカーの出どころを調べてください。"
    LedgerRolledBack { entries, sequence, time }
        en "the ledger was rolled back: it ends at entry {entries}, and entry {sequence} of {time} is known to have been there" => "If nobody restored it on purpose, an old copy of the data folder took its place, and revocations made since then are lost. Stop the service, keep the folder, and restore the newest backup with the newest CRL."
        ja "台帳が巻き戻されています。{time} の記録 {sequence} があったはずですが、記録 {entries} で終わっています" => "意図して復元したのでなければ、古いデータフォルダに入れ替わっており、その後の破棄が失われています。サービスを止めてフォルダを保存し、最新のバックアップを最新の CRL とともに復元してください。"
    LedgerForked { sequence, time }
        en "the ledger has another history: its entry {sequence} is not the one of {time}" => "If nobody restored it on purpose, an old copy of the data folder took its place and has been used since, and revocations are lost. Stop the service, keep the folder, and restore the newest backup with the newest CRL."
        ja "台帳の履歴が異なります。記録 {sequence} が {time} のものではありません" => "意図して復元したのでなければ、古いデータフォルダに入れ替わって使われており、破棄が失われています。サービスを止めてフォルダを保存し、最新のバックアップを最新の CRL とともに復元してください。"
    } };
}
