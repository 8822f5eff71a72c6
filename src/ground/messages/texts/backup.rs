//! What is said of backups, restoring and anchors.

macro_rules! backup {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    // ---- backup ----
    AskNewBackupPassphrase { least }
        en "New passphrase for this backup (at least {least} characters; not the vault's): "
        ja "このバックアップ専用の新しいパスフレーズ ({least}文字以上。金庫とは別のもの): "
    AskBackupPassphrase {}
        en "Passphrase of the backup: "
        ja "バックアップのパスフレーズ: "
    LabelBackedUp {}
        en "backed up"
        ja "バックアップ日時"
    LabelCertificates {}
        en "certificates"
        ja "証明書の数"
    LabelLedgerEntries {}
        en "ledger entries"
        ja "台帳の記録の数"
    LabelKeptKeys {}
        en "kept keys"
        ja "保管中の秘密鍵"
    LabelNextNumber {}
        en "next number"
        ja "次の番号"
    LabelLastBackup {}
        en "last backup"
        ja "最終バックアップ"
    LabelAnchor {}
        en "anchor"
        ja "アンカー"
    NoBackupYet {}
        en "none yet (sekisho backup --to FILE)"
        ja "まだありません (sekisho backup --to ファイル)"
    AnchorFoundOn { time, sequence }
        en "entry {sequence} found on {time}"
        ja "{time} に記録 {sequence} を確認"
    NoAnchorKept {}
        en "never checked: a rollback of the data folder would go unnoticed (sekisho anchor export)"
        ja "未確認のため、データフォルダの巻き戻しに気づけません (sekisho anchor export)"
    BackupMade {}
        en "The backup is complete. Keep it on another machine, and keep its passphrase in another place."
        ja "バックアップを作成しました。別の機器に保管し、パスフレーズは別の場所に控えてください。"
    BackupNotRecorded { reason }
        en "The backup is whole, but `sekisho status` will not show it, because it could not be recorded: {reason}."
        ja "バックアップは完成しましたが、記録できなかったため、sekisho status の「最終バックアップ」には反映されません ({reason})。"
    BackupWithoutKeyFile {}
        en "Only the key file of now opens the vault in this backup, and it is not in the backup: keep a copy of it separately. Or set a passphrase with `sekisho vault passwd`, then make a new backup. Without one of these the backup cannot be used."
        ja "このバックアップの金庫は、いまの鍵ファイルでしか開きません。鍵ファイルはバックアップに含まれないため、コピーを別に保管してください。または、sekisho vault passwd でパスフレーズを設定してから、バックアップを取り直してください。どちらもないとバックアップは使えません。"
    BackupNext { program, file }
        en "The configuration file is not in the backup: keep a copy of that as well. Try the backup out from time to time: {program} backup verify {file}"
        ja "設定ファイルは含まれないため、別に保管してください。ときどき復元できることを確かめてください: {program} backup verify {file}"
    BackupIsGood {}
        en "The backup is good: it was restored in memory, and works."
        ja "バックアップは正常です。メモリ上に復元し、動作を確かめました。"
    BackupDrilled { number, entries }
        en "Certificate {number} was issued, checked and revoked, and a CRL with {entries} entries was signed; nothing of that is kept."
        ja "証明書 {number} の発行・検証・破棄と、{entries} 件の CRL の署名を試しました。試した結果は残りません。"
    Restored {}
        en "The CA is restored."
        ja "認証局を復元しました。"
    RestoredUnknown {}
        en "Certificates issued after the backup are unknown: the gates refuse them, so issue them again. Numbers continue further on, so that none is used twice."
        ja "バックアップ後に発行した証明書の記録はありません。関所が拒否するので、発行し直してください。番号は重複しないように飛ばしてあります。"
    RestoredNeedsKeyFile { folder }
        en "Only a key file opens this vault, and it was not in the backup: put it at {folder}/vault.key, or name it with --key-file."
        ja "この金庫は鍵ファイルだけで開きますが、鍵ファイルはバックアップに含まれていません。{folder}/vault.key に置くか、--key-file で指定してください。"
    RestoredWaits {}
        en "What was revoked after the backup is not known yet. Until it is, nothing is signed and nobody is let in."
        ja "バックアップ後に破棄された証明書をまだ把握していません。把握するまで、署名も接続の許可もしません。"
    ReconcileNext { program, folder }
        en "Next: find the newest CRL that was published, then run\n  {program} restore reconcile --crl FILE --dir {folder}"
        ja "次の手順: 公開済みの最新の CRL を用意して、次を実行してください。\n  {program} restore reconcile --crl ファイル --dir {folder}"
    ReconciledWithCrl { number, revoked, unknown }
        en "CRL {number} is merged: {revoked} certificates are revoked by it, and {unknown} serial numbers that the backup does not know stay revoked."
        ja "CRL {number} を取り込みました。{revoked} 件の証明書を破棄し、バックアップにない {unknown} 件のシリアル番号も破棄のまま引き継ぎました。"
    ReconciledWithout {}
        en "No CRL was merged: certificates that were revoked after the backup are valid again. Find out which they were (mails, notes, the log), and revoke them again."
        ja "CRL を取り込んでいません。バックアップ後に破棄した証明書が再び有効になっています。メールや控え、ログを確かめて、もう一度破棄してください。"
    RestoredNext { program, folder }
        en "Next: {program} crl --dir {folder} signs a new CRL; `serve` does so by itself."
        ja "次の手順: {program} crl --dir {folder} で新しい CRL を発行してください (serve は自動で発行します)。"
    StoryWaiting { restored, backed_up }
        en "Restored on {restored} from a backup of {backed_up}; not reconciled: nothing is signed and nobody is let in."
        ja "{backed_up} のバックアップから {restored} に復元しました。照合が済んでいないため、署名も接続の許可も止めています。"
    StoryMerged { restored, backed_up, number }
        en "Restored on {restored} from a backup of {backed_up}, with CRL {number}; certificates issued in between are unknown and refused."
        ja "{backed_up} のバックアップから {restored} に復元し、CRL {number} を取り込みました。その間に発行した証明書は記録になく、拒否されます。"
    StoryGivenUp { restored, backed_up }
        en "Restored on {restored} from a backup of {backed_up}, without a CRL: revocations in between are lost, and certificates issued in between are unknown and refused."
        ja "{backed_up} のバックアップから {restored} に、CRL なしで復元しました。その間の破棄は失われ、その間に発行した証明書は拒否されます。"
    RemarkNotReconciled {}
        en "Restored from a backup and not reconciled: nobody is let in. Run `sekisho restore reconcile --crl FILE` with the newest published CRL."
        ja "バックアップから復元した後の照合が済んでいないため、誰も接続できません。公開済みの最新の CRL で sekisho restore reconcile --crl ファイル を実行してください。"

    // ---- anchor ----
    AnchorWritten { path }
        en "The anchor is written to {path}."
        ja "アンカーを {path} に書き出しました。"
    AnchorKeep {}
        en "Keep it on paper or on another machine, never beside the data. Later, `sekisho anchor check` tells whether the ledger was rolled back."
        ja "紙か別の機器に保管し、データと同じ場所には置かないでください。後で sekisho anchor check を実行すると、台帳が巻き戻されていないか確かめられます。"
    AnchorContained { sequence, time, entries }
        en "The ledger was not rolled back: it has grown from entry {sequence} of {time} to {entries} entries."
        ja "台帳は巻き戻されていません。{time} の記録 {sequence} を含み、現在は {entries} 件です。"
    } };
}
