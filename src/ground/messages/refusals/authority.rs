//! What is said of the CA, its ledger, its vault and its clock.

macro_rules! authority {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    // ---- the CA and what it keeps ----
    NotInitialised { folder }
        en "there is no CA in {folder}" => "Create one: sekisho init --dir {folder}. If it is elsewhere, name its folder with --dir."
        ja "{folder} に認証局がありません" => "sekisho init --dir {folder} で作成してください。別の場所にある場合は --dir でそのフォルダを指定してください。"
    AlreadyInitialised { folder }
        en "there is already a CA in {folder}; it was not changed" => "Use it as it is, or name another folder with --dir."
        ja "{folder} にはすでに認証局があります。変更していません" => "そのまま使うか、--dir で別のフォルダを指定してください。"
    NoCertificateAuthority {}
        en "the ledger holds no CA certificate" => "Restore the data folder from a backup."
        ja "台帳に認証局の証明書がありません" => "データフォルダをバックアップから戻してください。"
    LedgerBusy {}
        en "another sekisho command is using the CA" => "Wait until it has finished, then try again."
        ja "ほかの sekisho コマンドが認証局を使用中です" => "そのコマンドが終わってから、もう一度実行してください。"
    /// An earlier write failed.
    LedgerInterrupted {}
        en "an earlier write to the ledger failed, so nothing can be written until it has been opened again" => "Make sure that the disk has room, then run the command again."
        ja "台帳への前回の書き込みに失敗したため、開き直すまで書き込めません" => "ディスクの空きを確かめてから、もう一度実行してください。"
    LedgerDamaged { reason }
        en "the ledger is damaged: {reason}" => "Do not issue anything. Restore the data folder from a backup, and check the disk."
        ja "台帳が壊れています: {reason}" => "証明書を発行せず、データフォルダをバックアップから戻し、ディスクを点検してください。"
    LedgerTampered { reason }
        en "the ledger was changed by something other than sekisho: {reason}" => "Do not issue anything. Keep a copy for the investigation, then restore the data folder from a backup."
        ja "台帳が sekisho 以外によって書き換えられています: {reason}" => "証明書を発行せず、調査用にコピーを取ってから、データフォルダをバックアップから戻してください。"
    NewerFormat { what, version }
        en "the format of this {what} ({version}) is newer than this sekisho knows" => "Install the newer version of sekisho that wrote it."
        ja "{what} の形式 {version} は、この版の sekisho では扱えません" => "書き込んだ、より新しい版の sekisho を導入してください。"
    SystemRefused { reason }
        en "the system refused to read or write the ledger: {reason}" => "Check the disk and the system log, then try again."
        ja "台帳の読み書きをシステムが拒否しました: {reason}" => "ディスクとシステムログを確認して、もう一度実行してください。"
    CryptographyFailed {}
        en "the cryptographic library failed" => "Try again; if this continues, check the machine's memory."
        ja "暗号ライブラリが動作しませんでした" => "もう一度実行してください。続く場合は機器のメモリを点検してください。"
    /// What root has made, and not given to the authority's user.
    FolderNotTheAuthoritys { folder }
        en "the data folder {folder} is closed to the authority's user" => "With the package, give it to that user: chown -R sekisho-authority: {folder} (the folders above it must let that user through). Without the package, run as its owner."
        ja "データフォルダ {folder} を、認証局のユーザーが開けません" => "パッケージの場合は、次のコマンドで認証局のユーザーの所有にしてください: chown -R sekisho-authority: {folder} (上位フォルダも、そのユーザーが通れる必要があります)。パッケージを使わない場合は、フォルダの所有者で実行してください。"

    // ---- the vault ----
    VaultSealed {}
        en "this needs the CA's key, and the vault is closed" => "While a service runs, open it first: sekisho unseal. Otherwise give its passphrase at the terminal, or name a file that holds it with --passphrase-file."
        ja "認証局の鍵が必要ですが、金庫が閉じています" => "サービスの稼働中は、先に sekisho unseal で金庫を開いてください。稼働していない場合は、端末でパスフレーズを入力するか、--passphrase-file でパスフレーズのファイルを指定してください。"
    SharesMadeNotShown {}
        en "the shares are made and open the vault, but not every one was shown" => "Make them again, and those shown so far no longer open the vault: sekisho vault shares create. Or stop all of them from opening it: sekisho vault shares remove."
        ja "分割コードは作成済みで金庫を開けますが、すべてを表示できませんでした" => "もう一度作成する (sekisho vault shares create。表示済みのものは使えなくなります) か、すべて無効にしてください (sekisho vault shares remove)。"
    NotAVault {}
        en "the vault file is not a vault" => "Restore the data folder from a backup."
        ja "金庫ファイルが金庫の形式ではありません" => "データフォルダをバックアップから戻してください。"
    VaultTruncated {}
        en "the vault file is cut short" => "Restore the data folder from a backup, and check the disk."
        ja "金庫ファイルが途中で切れています" => "データフォルダをバックアップから戻し、ディスクを点検してください。"
    VaultDamaged {}
        en "the vault file is damaged" => "Restore the data folder from a backup, and check the disk."
        ja "金庫ファイルが壊れています" => "データフォルダをバックアップから戻し、ディスクを点検してください。"
    VaultOlderThanLedger { vault, ledger }
        en "the vault is an old copy: it is at change {vault}, and the ledger at change {ledger}" => "Restore vault and ledger together, from the same backup."
        ja "金庫が古いコピーです (金庫は変更 {vault}、台帳は変更 {ledger})" => "金庫と台帳を同じバックアップから一緒に戻してください。"
    LedgerOlderThanVault { vault, ledger }
        en "the ledger is an old copy: it is at change {ledger}, and the vault at change {vault}" => "Restore vault and ledger together, from the same backup."
        ja "台帳が古いコピーです (台帳は変更 {ledger}、金庫は変更 {vault})" => "金庫と台帳を同じバックアップから一緒に戻してください。"
    VaultNotTheRecordedOne { generation }
        en "the vault is not the one the ledger knows (change {generation})" => "Restore vault and ledger together, from the same backup."
        ja "金庫が台帳の記録 (変更 {generation}) と一致しません" => "金庫と台帳を同じバックアップから一緒に戻してください。"
    VaultCosts { slot }
        en "slot {slot} of the vault has settings that sekisho never writes" => "The file was changed by something else; restore the data folder from a backup."
        ja "金庫のスロット {slot} に、sekisho が書き込むことのない値があります" => "ファイルが書き換えられています。データフォルダをバックアップから戻してください。"
    WrongPassphrase {}
        en "the passphrase does not open the vault" => "Type it again; mind capitals and the keyboard layout. The vault in a backup opens with the passphrase of the day it was made. If it is lost, use the recovery code, when there is one: sekisho ... --recovery-code."
        ja "パスフレーズが違うため、金庫を開けられません" => "大文字・小文字と入力モードに注意して、もう一度入力してください。バックアップの金庫は、バックアップした時点のパスフレーズで開きます。忘れた場合は、復旧コードがあれば sekisho コマンドに --recovery-code を付けて使えます。"
    WrongRecoveryCode {}
        en "the recovery code does not open this vault" => "Check that it belongs to this CA, and that no newer code has been made since."
        ja "この復旧コードではこの金庫を開けられません" => "この認証局のものか、新しい復旧コードが発行されていないか確認してください。"
    WrongKeyFile {}
        en "the key file does not open this vault" => "Name this CA's key file with --key-file, or use the passphrase."
        ja "この鍵ファイルではこの金庫を開けられません" => "--key-file でこの認証局の鍵ファイルを指定するか、パスフレーズを使ってください。"
    NoSlotOfKind {}
        en "this vault is not set up to be opened in that way" => "See what opens it: sekisho vault slots"
        ja "この金庫には、その方法で開ける設定がありません" => "開ける方法は sekisho vault slots で確認できます。"
    RecoveryCodeMistyped {}
        en "the recovery code has a typing error" => "Compare it with the paper, group by group."
        ja "復旧コードに打ち間違いがあります" => "紙の記載と4文字ずつ見比べてください。"
    KeyFileTooShort {}
        en "the key file has fewer than 32 bytes" => "Name the key file that sekisho made."
        ja "鍵ファイルが短すぎます (32 バイト以上必要です)" => "sekisho が作成した鍵ファイルを指定してください。"
    NoSuchSlot { slot }
        en "the vault has no slot {slot}" => "See the slots: sekisho vault slots"
        ja "金庫にスロット {slot} はありません" => "スロットは sekisho vault slots で確認できます。"
    LastSlot {}
        en "this is the vault's last slot, and nothing could open the vault without it" => "Add another slot first: sekisho vault passwd"
        ja "最後のスロットのため、外すと金庫を開けられなくなります" => "先に sekisho vault passwd で別のスロットを追加してください。"

    // ---- shares of the vault ----
    ShareMistyped {}
        en "this is not a share: a character is wrong or missing" => "Compare it with the paper, and type it again: twelve groups of four characters."
        ja "分割コードとして読めません。文字の間違いか抜けがあります" => "紙と見比べて、もう一度入力してください (4 文字ずつ 12 組です)。"
    ShareOfAnotherVault { found, vault }
        en "this share belongs to vault {found}, not to this one ({vault})" => "Look for the shares that say {vault}."
        ja "この分割コードは金庫 {found} のもので、この金庫 {vault} のものではありません" => "{vault} と書かれた分割コードを用意してください。"
    ShareOfAnotherSet {}
        en "this share was not made together with those entered before" => "Use shares that were made on the same day. Older ones no longer open the vault."
        ja "この分割コードは、先に入力したものと同じときに作られたものではありません" => "同じ日に作られた分割コードを使ってください。古いものでは開けません。"
    ShareTwice { number }
        en "share {number} has already been entered" => "Enter a different one."
        ja "分割コード {number} はすでに入力されています" => "別の分割コードを入力してください。"
    SharesTooFew { given, needed }
        en "{given} shares are not enough: {needed} are needed" => "Collect as many as are needed, then try again."
        ja "分割コードが足りません ({given} 個。{needed} 個必要です)" => "必要な数を集めて、もう一度実行してください。"
    WrongShares {}
        en "these shares do not open the vault: it has newer ones" => "Use the shares that were made last, or another way to open it (`sekisho vault slots`)."
        ja "この分割コードでは金庫を開けません。新しい分割コードが作られています" => "最後に作られた分割コードか、別の方法を使ってください (sekisho vault slots で確認できます)。"
    ShareCounts { least, most }
        en "shares cannot be made in these numbers" => "--threshold must be at least {least} and no more than --count, and --count at most {most}; for example: --threshold 2 --count 3"
        ja "その数の分割コードは作れません" => "必要な数 (--threshold) は {least} 以上かつ全体の数以下、全体の数 (--count) は {most} 以下にしてください (例: --threshold 2 --count 3)。"
    NoShares {}
        en "this vault has no shares" => "See what opens it with `sekisho vault slots`."
        ja "この金庫には分割コードがありません" => "開け方は sekisho vault slots で確認できます。"

    // ---- time ----
    ClockBehindLedger { now, newest, folder }
        en "this machine's clock says {now}, but the ledger's newest entry is of {newest}: no certificate and no CRL is signed until this is settled (revoking still works)" => "Check the clock (timedatectl). If the time it says is right, confirm it: sekisho clock confirm --dir {folder}"
        ja "この機器の時計は {now} ですが、台帳の最新の記録は {newest} です。解決するまで証明書と CRL は発行できません (破棄はできます)" => "時計を確認してください (timedatectl)。今の表示が正しい場合は、sekisho clock confirm --dir {folder} で確定してください。"
    ClockDiverged { now, expected, folder }
        en "this machine's clock says {now}, but by the time that has passed it should say {expected}: no certificate and no CRL is signed until this is settled (revoking still works)" => "Check the clock (timedatectl). If the time it says is right, confirm it: sekisho clock confirm --dir {folder}"
        ja "この機器の時計は {now} ですが、経過した時間から計算すると {expected} のはずです。解決するまで証明書と CRL は発行できません (破棄はできます)" => "時計を確認してください (timedatectl)。今の表示が正しい場合は、sekisho clock confirm --dir {folder} で確定してください。"
    } };
}
