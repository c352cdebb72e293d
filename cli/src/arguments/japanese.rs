//! The help in Japanese, by the names of commands, headings and options.

/// What a command is for.
pub(super) fn about(command: &str) -> &'static str {
    match command {
        "plan" => "1 つのコンテキスト長に要るメモリを、デバイスと用途ごとに",
        "inspect" => "モデルについて分かること: 構造、パラメーター数、テンソル、上限",
        "advise" => "収めるために、あるいはもっと長くするために、何を変えればよいか",
        "gpus" => "今の GPU の空き VRAM",
        "models" => "内蔵カタログのモデル一覧",
        "completions" => "シェルの補完スクリプトを標準出力へ",
        _ => "空き VRAM に、どれだけ長いコンテキストが載るか。1 つのコンテキストにどれだけ要るか。",
    }
}

/// A group of options.
pub(super) fn heading(english: &str) -> String {
    match english {
        "Model" => "モデル",
        "Model by hand, without a file" => "モデルの寸法を手で(ファイルなし)",
        "Memory" => "メモリ",
        "Precision of the KV cache" => "KV キャッシュの精度",
        "Engine" => "エンジン",
        "llama.cpp and programs built on it (the defaults are llama-server's, one slot)" => {
            "llama.cpp とそれを使うプログラム(既定は llama-server の値、1 スロット)"
        }
        "vLLM (vllm serve's defaults)" => "vLLM(既定は vllm serve)",
        "SGLang (sglang serve's defaults)" => "SGLang(既定は sglang serve)",
        "Beside the model (llama-server, llama-cli)" => {
            "モデルと一緒に動かすもの(llama-server、llama-cli)"
        }
        "Transformers, GPTQModel, AutoGPTQ" => "Transformers・GPTQModel・AutoGPTQ",
        "Output" => "出力",
        other => other,
    }
    .into()
}

/// What an argument is for; `None` where there is no text for it.
pub(super) fn help(argument: &str) -> Option<&'static str> {
    Some(match argument {
        "model" => {
            "カタログ名、Ollama のタグ、または .gguf・config.json・それらのあるフォルダーのパス。後に :Q4_K_M などを付けられる。なければ手元の Ollama のモデルすべて"
        }
        "quant" => "重みの形式(モデルが定めていないとき)",
        "file" => "リポジトリやフォルダーの中のファイル",
        "conservative" => "規則の分からない model_type を、少なく見積もらない上限で計算する",
        "num_params_b" => "パラメーター数(10 億単位): 8.2",
        "num_layers" => "層の数",
        "hidden_size" => "残差ストリームの幅",
        "num_attention_heads" => "クエリのヘッド数",
        "num_key_value_heads" => "KV のヘッド数(既定: クエリと同じ)",
        "head_dim" => "1 ヘッドの要素数(既定: 幅 ÷ ヘッド数)",
        "free_vram_mb" => "空き VRAM(MiB)。GPU ごとにコンマで区切る。なければ今の値を読む",
        "gpu_index" => "この番号(nvidia-smi の表示)の GPU だけを使う",
        "gpu" => "カタログの GPU。--free-vram-mb がなければ VRAM がすべて空いているとする",
        "safety_margin_mb" => "GPU ごとに空けておく VRAM(MiB、既定: 500)",
        "runtime_overhead_mb" => "CUDA コンテキストなどの推定値の代わりに使う値(MiB)",
        "answer" => {
            "どこまで含めるか: planned 計画されたバッファー、loads 起動まで、survives プロンプトが満ちるまで(既定: survives)"
        }
        "kv" => "答える精度: fp16, int8, int4",
        "cache_type_k" => "K キャッシュの型そのもの(llama.cpp)",
        "cache_type_v" => "V キャッシュの型そのもの(llama.cpp)",
        "kv_cache_dtype" => "KV キャッシュの型そのもの(vLLM、SGLang)",
        "backend" => {
            "llama.cpp(llama-server、既定)、llama-cli、ollama、lm-studio、koboldcpp、llama-cpp-python、vllm、sglang、transformers、gptqmodel、autogptq"
        }
        "backend_version" => {
            "エンジンのバージョン(既定: 分かる中で最新)。llama.cpp のビルド番号も可(b8946)"
        }
        "flash_attn" => "Flash Attention(既定: auto)",
        "batch_size" => "論理バッチのトークン数(既定: 2048)",
        "ubatch_size" => "物理バッチのトークン数(既定: 512)",
        "parallel" => "同時に扱うシーケンス(スロット)の数(既定: 1)",
        "kv_unified" => "全シーケンスで 1 つのキャッシュを使う(既定: off)",
        "swa_full" => {
            "スライディングウィンドウの層も全文脈を持つ。既定でそうなるプログラムでは =off で外す"
        }
        "n_gpu_layers" => "GPU に置く層の数。出力層も数える(既定: all)",
        "n_cpu_moe" => "エキスパートを CPU に置く層の数、先頭から(既定: 0)",
        "override_tensor" => "名前が正規表現に合うテンソルの置き場所: exps=CPU",
        "tensor_split" => "GPU ごとの割合(既定: 空き VRAM に比例)",
        "split_mode" => "層ごとに分けるか、すべてを 1 つの GPU に置くか(既定: layer)",
        "main_gpu" => "--split-mode none で使う GPU(既定: 0)",
        "no_kv_offload" => "KV キャッシュをホストメモリに置く",
        "no_op_offload" => "CPU の層の大きなバッチも CPU で計算する",
        "outputs_max" => {
            "マイクロバッチごとに計画するロジットの行数。0 で全部(既定: スロットごとに 1)"
        }
        "model_draft" => "下書き用の小さなモデル: .gguf またはカタログ名",
        "n_gpu_layers_draft" => "下書き用モデルを GPU に置く層の数(既定: all)",
        "cache_type_k_draft" => "下書き側の K キャッシュの型(既定: f16)",
        "cache_type_v_draft" => "下書き側の V キャッシュの型(既定: f16)",
        "spec_type" => "draft-mtp ならモデル自身の予測層(MTP)で下書きする",
        "spec_draft_n_max" => "一度に下書きするトークン数(既定: 3)",
        "mmproj" => "画像や音声のプロジェクター。auto ならモデル自身のもの",
        "no_mmproj_offload" => "プロジェクターをホストメモリに置く",
        "lora" => "LoRA アダプター",
        "gpu_memory_utilization" => {
            "vLLM に使わせる GPU メモリの割合(既定: 0.92、空きが足りなければ空きの分)"
        }
        "kv_cache_memory_bytes" => "割合の代わりに、GPU ごとの KV キャッシュのバイト数",
        "tensor_parallel_size" => "各層を分け合う GPU の数(既定: 1)",
        "pipeline_parallel_size" => "連続する層を受け持つ GPU(またはその組)の数(既定: 1)",
        "max_num_batched_tokens" => "1 ステップのトークン数(既定: GPU により 2048~16384)",
        "max_num_seqs" => "1 ステップのリクエスト数(既定: GPU により 256 か 1024)",
        "max_model_len" => "1 リクエストの最大コンテキスト長(既定: auto = 収まるだけ)",
        "block_size" => "キャッシュの 1 ブロックのトークン数(既定: アテンションの実装による)",
        "no_enable_prefix_caching" => "プレフィックスをキャッシュしない",
        "disable_hybrid_kv_cache_manager" => "窓のある層も全文脈をキャッシュする",
        "enforce_eager" => "CUDA Graph を使わない",
        "language_model_only" => "画像や音声を扱わない(エンコーダーを読み込まない)",
        "num_speculative_tokens" => "各ステップで先読みするトークン数(既定: 0)",
        "mem_fraction_static" => {
            "空きメモリのうち、重みとキャッシュに使わせる割合(既定: SGLang 自身の見積もり。auto で、ほかに要る分を残した最大)"
        }
        "context_length" => "1 リクエストの最大コンテキスト長(既定: 収まるだけ)",
        "chunked_prefill_size" => "プロンプトを一度に読むトークン数(既定: GPU により 2048~16384)",
        "max_running_requests" => "同時に扱うリクエスト数(既定: プールの大きさによる)",
        "max_total_tokens" => "プールのトークン数の上限(既定: 収まるだけ)",
        "page_size" => "プールの 1 ページのトークン数(既定: アテンションの実装による)",
        "swa_full_tokens_ratio" => "窓のある層が持つトークン数の、ほかの層に対する割合(既定: 0.8)",
        "disable_hybrid_swa_memory" => "窓のある層も全文脈を持つ",
        "mamba_full_memory_ratio" => "KV キャッシュに対する、再帰状態のメモリの割合(既定: 0.9)",
        "max_mamba_cache_size" => "再帰状態の数(既定: 割合による)",
        "disable_radix_cache" => "プレフィックスをキャッシュしない",
        "disable_cuda_graph" => "CUDA Graph を使わない",
        "cuda_graph_max_bs_decode" => "CUDA Graph に取る最大のバッチ(既定: GPU により 8~512)",
        "speculative_method" => {
            "先読みの方法: 本文からの検索か、モデル自身の予測層(MTP)(既定: ngram)"
        }
        "cache" => "KV キャッシュのクラス(既定: dynamic。int8・int4 は --kv でも)",
        "attn_implementation" => "アテンションの計算(既定: モデルにあれば sdpa)",
        "kernel" => "GPTQ の重み用のカーネル(既定: パッケージが選ぶもの)",
        "lang" => "言語(既定: システムの言語)",
        "json" => "JSON で、1 行に 1 つのオブジェクト",
        "help" => "このヘルプを表示",
        "version" => "バージョンを表示",
        "context" => "コンテキストのトークン数。32k は 32768",
        "explain" => "それぞれの値の根拠を示す",
        "tensors" => "全テンソルを一覧にする",
        "words" => "名前に含まれる語",
        "shell" => "シェル",
        _ => return None,
    })
}
