//! What is said of files, folders and disks.

macro_rules! files {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    FileMissing { path }
        en "{path} does not exist" => "Check the path and its spelling."
        ja "{path} がありません" => "パスの綴りを確認してください。"
    FileExists { path }
        en "{path} already exists and is not overwritten" => "Move it away or choose another name, then try again."
        ja "{path} はすでに存在するため、上書きしません" => "別の場所に移すか別の名前を指定して、もう一度実行してください。"
    FileIsSymbolicLink { path }
        en "{path} is a symbolic link, which is not followed here" => "Put a real file or folder in its place, then try again."
        ja "{path} はシンボリックリンクのため、使いません" => "実体のファイルまたはフォルダに置き換えて、もう一度実行してください。"
    FileIsNotAFile { path }
        en "{path} is not a regular file" => "Give the path of a file."
        ja "{path} は通常のファイルではありません" => "ファイルのパスを指定してください。"
    FileIsNotAFolder { path }
        en "{path} is not a folder" => "Move it away or choose another folder, then try again."
        ja "{path} はフォルダではありません" => "移動するか別のフォルダを指定して、もう一度実行してください。"
    FileOfAnotherUser { path, owner }
        en "{path} belongs to another user (uid {owner})" => "Run as that user, or without sudo; with sudo, use `sudo -H`."
        ja "{path} は別のユーザー (uid {owner}) のものです" => "そのユーザーで、または sudo なしで実行してください。sudo を使うときは `sudo -H` とします。"
    FileModeTooOpen { path, mode }
        en "{path} is open to other users (mode {mode})" => "Close it, then try again: chmod go= {path}"
        ja "{path} は他のユーザーからも使える状態です (モード {mode})" => "次のコマンドで閉じてから、もう一度実行してください: chmod go= {path}"
    FileTooLarge { path, limit }
        en "{path} is larger than the {limit} bytes allowed here" => "Check that it is the right file."
        ja "{path} がここでの上限 {limit} バイトを超えています" => "正しいファイルか確認してください。"
    DiskFull { path }
        en "the disk is full; {path} was not written" => "Free some space, then try again."
        ja "ディスクがいっぱいのため、{path} を書き込めません" => "空きを作ってから、もう一度実行してください。"
    FileDenied { path }
        en "no permission for {path}" => "Check its owner and mode, or run as the user it belongs to."
        ja "{path} を使う権限がありません" => "所有者とモードを確認するか、所有者のユーザーで実行してください。"
    /// A file that the service reads for itself.
    ServiceFileDenied { path }
        en "no permission to read {path}" => "Check its owner and mode, and those of the folders above it. The packaged service reads it as the user sekisho: chown sekisho: {path}"
        ja "{path} を読む権限がありません" => "所有者とモード、上位フォルダのモードを確認してください。パッケージのサービスはユーザー sekisho としてこのファイルを読みます: chown sekisho: {path}"
    FileSystemError { path, reason }
        en "the system reported an error for {path}: {reason}" => "Check the disk and the system log, then try again."
        ja "{path} の読み書きでシステムエラーが起きました: {reason}" => "ディスクとシステムログを確認して、もう一度実行してください。"
    } };
}
