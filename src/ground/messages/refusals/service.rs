//! What is said of the running service and its processes.

macro_rules! service {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    // ---- door ----
    /// The control socket does not let this user in.
    ServiceNotForYou {}
        en "the running service takes no commands from this user" => "Run the command as root or as who started the service, or add your user id to `admins` in sekisho.toml and restart the service."
        ja "稼働中のサービスは、このユーザーからの操作を受け付けません" => "rootまたはサービスを起動したユーザーで実行するか、sekisho.toml の admins にユーザーIDを加えてサービスを再起動してください。"
    /// The control socket is there, but cannot be used.
    ServiceUnreachable { reason }
        en "the running service cannot be reached: {reason}" => "Try again; if this continues, restart the service."
        ja "稼働中のサービスに接続できません: {reason}" => "もう一度実行し、それでも接続できない場合はサービスを再起動してください。"
    /// The service is there, but its authority is not yet.
    ServiceStarting {}
        en "a service is running over this data folder, but its authority does not answer yet" => "Wait until it has started (its log says so), then try again. If it does not start, stop the service and try again."
        ja "このデータフォルダのサービスは動いていますが、認証局がまだ応答しません" => "開始するまで待って (ログに表示されます) もう一度実行してください。開始しない場合は、サービスを止めてから実行してください。"
    /// The service does not answer in time.
    ServiceBusy {}
        en "the service did not answer within 10 seconds: it is busy with a long task, or is stuck" => "Ask again in a minute; if this continues, restart the service."
        ja "サービスが10秒以内に応答しませんでした。長い処理の途中か、停止している可能性があります" => "1分ほど待って確かめ、続く場合はサービスを再起動してください。"
    /// The service ended while it was asked.
    ServiceGone {}
        en "the service ended before it answered; whether the command was carried out is not known" => "Look at `sekisho status` and `sekisho list`, then try again if needed."
        ja "サービスが応答する前に終了しました。操作が行われたかどうかは分かりません" => "sekisho status と sekisho list で確かめ、必要ならもう一度実行してください。"
    /// The service is another version of this program.
    ServiceOtherVersion {}
        en "the running service is another version of this program" => "Restart the service, then try again."
        ja "稼働中のサービスは、このコマンドとバージョンが違います" => "サービスを再起動してから、もう一度実行してください。"
    /// A command or reply over the limit.
    CommandTooLong { limit }
        en "the command or its answer is longer than {limit} octets" => "Ask for less at a time."
        ja "コマンドまたは応答が{limit}バイトを超えています" => "一度に頼む量を減らしてください。"
    /// Only a running service can do it.
    ServiceNotRunning {}
        en "no service is running over this data folder" => "Start it with `sekisho serve`, or name the right folder with --dir."
        ja "このデータフォルダのサービスは動いていません" => "sekisho serve で起動するか、--dir で正しいフォルダを指定してください。"
    /// The same asking, a second time.
    AlreadyAsked { number }
        en "this was asked before, and certificate {number} was issued for it" => "Nothing more was issued. Look at it with `sekisho show {number}`."
        ja "この発行はすでに行われ、証明書 {number} が発行されています" => "新しい証明書は発行していません。sekisho show {number} で確かめてください。"
    /// A gate did not close what it had to.
    GateDidNotCut { gate }
        en "the certificate is revoked, but gate {gate} did not confirm that its connections are closed" => "Restart the service now; until then somebody may still be connected."
        ja "証明書は破棄されましたが、関所 {gate} から、接続を切断したという応答がありません" => "すぐにサービスを再起動してください。それまでは接続が残っている可能性があります。"

    // ---- a running service ----
    /// The authority's process ended before it had begun.
    AuthorityDidNotStart {}
        en "the authority could not begin its work" => "The lines above say why; fix that and start again."
        ja "認証局のプロセスを開始できませんでした" => "上の行に理由があります。原因を取り除いてから起動し直してください。"
    /// The authority's process could not be made.
    AuthorityNotSpawned { reason }
        en "the authority's process could not be started: {reason}" => "For a service of the package, see: systemctl status 'sekisho-*.socket' and journalctl -u 'sekisho-authority@*'. Otherwise check that the machine has memory and processes to spare, and that /proc is mounted."
        ja "認証局のプロセスを起動できません: {reason}" => "パッケージのサービスの場合は、systemctl status 'sekisho-*.socket' と journalctl -u 'sekisho-authority@*' で原因を確かめてください。それ以外の場合は、メモリとプロセス数の余裕、/proc がマウントされていることを確かめてください。"
    /// Somebody else is to start the processes, and nothing says as which users.
    RoleAccountsMissing {}
        en "the accounts sekisho-authority, sekisho-gate and sekisho-publisher are missing on this machine" => "Make them: systemd-sysusers (the package brings their list), then start the service again."
        ja "この機器に sekisho-authority、sekisho-gate、sekisho-publisher のユーザーがありません" => "systemd-sysusers を実行して作成してから (一覧はパッケージに入っています)、サービスを起動し直してください。"
    /// A gate's process could not be made, or ended before it served.
    GateNotStarted { gate, reason }
        en "the process of gate {gate} did not start: {reason}" => "See the lines above; for a service of the package, see also: systemctl status 'sekisho-*.socket' and journalctl -u 'sekisho-gate@*'. Otherwise check that the machine has memory and processes to spare."
        ja "関所 {gate} のプロセスを起動できません: {reason}" => "上の行を確かめてください。パッケージのサービスの場合は、systemctl status 'sekisho-*.socket' と journalctl -u 'sekisho-gate@*' も確かめてください。それ以外の場合は、メモリとプロセス数の余裕も確かめてください。"
    /// The authority that was to carry out root's command ended.
    OwnersAuthorityEnded { reason }
        en "the authority, started as the owner of the data folder, has ended: {reason}" => "See its message. The folders above the data folder must be accessible to that user."
        ja "データフォルダの所有者として起動した認証局が終了しました: {reason}" => "表示された理由を確かめてください。データフォルダの上位フォルダは、その所有者が通れる必要があります。"
    /// A verb that only `serve` runs.
    NotForPeople {}
        en "only `sekisho serve` starts this" => "Run `sekisho serve`."
        ja "これは sekisho serve が内部で起動するものです" => "sekisho serve を実行してください。"
    /// systemd passed no such credential.
    CredentialMissing { name }
        en "systemd has passed no credential named {name}" => "Add LoadCredential={name}:/path/to/the/key/file to the unit, then restart the service."
        ja "systemd から資格情報 {name} が渡されていません" => "ユニットに LoadCredential={name}:鍵ファイルのパス を加え、サービスを再起動してください。"
    /// Two services over one folder.
    ServiceRunsAlready { folder }
        en "a service is already running over {folder}" => "Stop it first, or use another folder with --dir."
        ja "{folder} のサービスはすでに動いています" => "先にそれを止めるか、--dir で別のフォルダを指定してください。"

    // ---- hardening ----
    /// The kernel does not have a layer.
    LayerUnsupported { role, layer }
        en "the {role} cannot be confined: this kernel does not have the layer {layer}" => "Use a kernel that has it (Linux 5.13 or newer, with Landlock and seccomp). If that is not possible, start without this layer: accept_missing = [\"{layer}\"] under [hardening], or serve --accept-missing {layer}"
        ja "{role} プロセスを隔離できません。このカーネルには防御層 {layer} がありません" => "Linux 5.13 以降 (Landlock と seccomp が有効なもの) を使用してください。それができない場合は、設定ファイルの [hardening] に accept_missing = [\"{layer}\"] と書くか、serve --accept-missing {layer} を指定すると、この層なしで起動します。"
    /// The system refused a layer.
    LayerRefused { role, layer, reason }
        en "the {role} cannot be confined: the system refused the layer {layer}: {reason}" => "See whether a container or the unit forbids it. If that cannot be changed, start without this layer: accept_missing = [\"{layer}\"] under [hardening], or serve --accept-missing {layer}"
        ja "{role} プロセスを隔離できません。防御層 {layer} がシステムに拒否されました: {reason}" => "コンテナやユニットの設定で禁止されていないか確かめてください。変更できない場合は、設定ファイルの [hardening] に accept_missing = [\"{layer}\"] と書くか、serve --accept-missing {layer} を指定すると、この層なしで起動します。"
    /// A role has no user of its own, but root's.
    RoleRunsAsRoot { role, layer }
        en "the {role} would run as root: one of the users sekisho-authority, sekisho-gate, sekisho-publisher is missing" => "Install the package, which makes the users (or run systemd-sysusers), and use its units. To run without these users: accept_missing = [\"{layer}\"] under [hardening], or serve --accept-missing {layer}"
        ja "{role} プロセスが root のまま動くことになります。ユーザー sekisho-authority、sekisho-gate、sekisho-publisher のいずれかがありません" => "パッケージをインストールしてユーザーを作成し (systemd-sysusers でも作成できます)、パッケージのユニットで起動してください。専用ユーザーなしで動かす場合は、設定ファイルの [hardening] に accept_missing = [\"{layer}\"] と書くか、serve --accept-missing {layer} を指定してください。"
    /// A role has the user of another.
    RoleSharesUser { role, layer, user }
        en "the {role} would run as user {user}, like another process of the service: whoever captures one of them reaches the other" => "Use the package's units, or start the service as root. To run without these users: accept_missing = [\"{layer}\"] under [hardening], or serve --accept-missing {layer}"
        ja "{role} プロセスが、サービスの他のプロセスと同じユーザー {user} で動くことになります。一つが乗っ取られると、他のプロセスにも影響します" => "パッケージのユニットを使用するか、root でサービスを起動してください。ユーザーを分けずに動かす場合は、設定ファイルの [hardening] に accept_missing = [\"{layer}\"] と書くか、serve --accept-missing {layer} を指定してください。"
    /// No required layer is called so.
    LayerUnknown { name, known }
        en "{name} is not a layer that can be left out" => "Use one of: {known}."
        ja "{name} は省略できる防御層ではありません" => "次のいずれかを指定してください: {known}"

    // ---- the service manager ----
    SocketsNotPassed { reason }
        en "systemd announced listening sockets, but they are not there: {reason}" => "See the .socket unit of the service, or stop it: the service then listens by itself."
        ja "systemd から渡されるはずのソケットがありません: {reason}" => "サービスの .socket ユニットを確認するか、停止してください (停止すると、サービスが自分で待ち受けます)。"
    SocketNotListening { name }
        en "the socket {name} that systemd passed is not a listening TCP socket" => "In the .socket unit, write ListenStream=ADDRESS:PORT."
        ja "systemd から渡されたソケット {name} は、待ち受け中の TCP ソケットではありません" => ".socket ユニットに ListenStream=アドレス:ポート と書いてください。"
    } };
}
