//! The encoders that are known, block by block.
//!
//! Source: the model classes of transformers 5.24.0, and for what ranks of tensor parallelism share
//! out those of vLLM 0.33.0. What is not known to be shared out counts as whole on every rank.

/// One encoder.
pub(super) struct Encoder {
    /// The outermost `model_type`s.
    pub model_types: &'static [&'static str],
    /// Where its configuration lies.
    pub object: &'static str,
    /// The encoder's own `model_type`; any where it is empty.
    pub kind: &'static str,
    /// What the letters of the formulas stand for.
    pub names: &'static [&'static str],
    /// What ranks share out.
    pub shared_out: &'static str,
    /// What every rank has whole.
    pub whole: &'static str,
    /// A configuration without its object stands for the class's own encoder.
    pub unsaid: bool,
}

const fn encoder(model_types: &'static [&'static str], whole: &'static str) -> Encoder {
    Encoder {
        model_types,
        object: "vision_config",
        kind: "",
        names: &[BLOCKS],
        shared_out: "0",
        whole,
        unsaid: false,
    }
}

const fn sound(model_types: &'static [&'static str], whole: &'static str) -> Encoder {
    Encoder {
        object: "audio_config",
        names: &[SOUND, WHISPER],
        ..encoder(model_types, whole)
    }
}

/// A transformer of layer norms and biases everywhere: patches `P`, a layer's attention `A`, its
/// network `M`, all layers `L`; of those `S` is shared out and `W` is whole; positions of a square
/// image `Q`; SigLIP's pooling head `H`.
const BLOCKS: &str = "w=hidden_size:768 i=intermediate_size:3072 n=num_hidden_layers:12 \
        p=patch_size:16 s=image_size:224 c=num_channels|in_channels|in_chans:3 P!p*p*c*w \
        A!4*w*w+4*w M!2*w*i+i+w L!n*(A+M+4*w) S!n*(4*w*w+3*w+2*w*i+i) W!n*6*w \
        Q!s/p*(s/p)*w u=vision_use_head:1 H!u*(A+M+3*w)";
/// The same for sound, as Whisper has it, without biases on keys; its convolutions `C`.
const SOUND: &str = "w=d_model|hidden_size:1280 i=encoder_ffn_dim|intermediate_size:5120 n=encoder_layers|num_hidden_layers:32 f=num_mel_bins:128 s=max_source_positions:1500 k=key_biases:0 M!2*w*i+i+w L!n*(4*w*w+3*w+k*w+M+4*w)+2*w";
const WHISPER: &str = "C!3*f*w+3*w*w+2*w";
/// Sound through three convolutions over both axes.
const SOUND_QWEN3: &str = "k=key_biases:1 h=downsample_hidden_size:480";
const SOUND_QWEN3_CONVOLUTIONS: &str = "C!18*h*h+12*h+h*((((f+1)/2+1)/2+1)/2)*w";
const CLIP_336: &str = "w=hidden_size:1024 i=intermediate_size:4096 n=num_hidden_layers:24 \
        p=patch_size:14 s=image_size:336";
/// Pixtral: gated networks, no biases; Mistral's patch merger.
const PIXTRAL: &str = "w=hidden_size:1024 i=intermediate_size:4096 n=num_hidden_layers:24 \
        m=^spatial_merge_size:2 b=^multimodal_projector_bias:0";
/// Qwen2.5-VL: gated networks, norms without biases, patches over time, a merger.
const QWEN25: &str = "n=depth:32 p=patch_size:14 t=temporal_patch_size:2 m=spatial_merge_size:2 G!m*m*w o=out_hidden_size:x i=intermediate_size:3420";
const QWEN25_LAYERS: &str = "D!n*(4*w*w+3*w+3*w*i+2*i)+G*G+G+G*o E!n*4*w+P*t+w+o";
/// Qwen3-VL: mergers also behind some of the layers.
const QWEN3: &str = "w=hidden_size:1152 i=intermediate_size:4304 n=depth:27 p=patch_size:16 \
        t=temporal_patch_size:2 q=num_position_embeddings:2304 m=spatial_merge_size:2 \
        o=out_hidden_size:x G!m*m*w";
const GLM4V: &str = "w=hidden_size:1536 i=intermediate_size:13696 n=depth:24 s=image_size:336 \
        p=patch_size:14 t=temporal_patch_size:2 m=spatial_merge_size:2 \
        o=out_hidden_size:x b=attention_bias:0";
const GLM_OCR: &str = "w=hidden_size:1024 i=intermediate_size:4096 n=depth:24 p=patch_size:14 \
        a=num_heads:16 t=temporal_patch_size:2 m=spatial_merge_size:2 \
        o=out_hidden_size:1536 b=attention_bias:1 c=in_channels:3 \
        j=projection_intermediate_size:c*o";
/// SAM, which halves what it gives twice.
const SAM: &str = "w=hidden_size:768 i=mlp_dim:3072 p=patch_size:16 s=image_size:1024 o=output_channels:256 g=#global_attn_indexes:4 z=window_size:14 a=num_attention_heads:12 R!w/a*2";
const SAM_LAYERS: &str = "T!P+w+Q+L+(n-g)*R*(2*z-1)+g*R*(2*(s/p)-1)+w*o+4*o+9*o*o+90*o*o";
/// InternViT: scales behind attention and network.
const INTERNVL: &str = "w=hidden_size:1024 i=intermediate_size:4096 n=num_hidden_layers:24 p=patch_size:14 s=image_size:448 b=attention_bias|qkv_bias:0 h=use_qk_norm|qk_normalization:0 r=norm_type~rms_norm:0 G!4*w";
const INTERNVL_LAYERS: &str = "U!n*(4*w*w+w+b*3*w+h*2*w+M+2*w+4*w-r*2*w)+w+Q+w+P+w";

/// Every encoder; of those of one object the first that fits counts.
pub(super) const ENCODERS: &[Encoder] = &[
    Encoder {
        // The checkpoints have no pooling head.
        names: &["u=vision_use_head:0", BLOCKS],
        shared_out: "S",
        ..encoder(&["gemma3", "shieldgemma2"], "W+P+w+Q+2*w+H+w*x+w")
    },
    Encoder {
        names: &[
            "i=intermediate_size:5632 n=num_hidden_layers:34 p=patch_size:14 s=image_size:448 \
        r=projector_input_dim:4096 o=projector_output_dim:4096 v=vision_output_dim:7680",
            BLOCKS,
        ],
        shared_out: "S+P+(i+o)*r+v*x",
        unsaid: true,
        ..encoder(&["llama4"], "W+Q+6*w")
    },
    Encoder {
        names: &[
            "n=num_hidden_layers:16 a=num_attention_heads:12 k=num_key_value_heads:a \
        h=head_dim:64 e=position_embedding_size:10240",
            BLOCKS,
        ],
        ..encoder(&["gemma4"], "n*((a+k)*2*h*w+3*w*i+4*w+2*h)+P+e*2*w+w*x")
    },
    Encoder {
        names: &[PIXTRAL, BLOCKS],
        shared_out: "n*(4*w*w+3*w*i)+(w+x)*x",
        ..encoder(
            &[
                "mistral3",
                "ministral3",
                "mistral",
                "mistral_large4",
                "lighton_ocr",
            ],
            "n*2*w+P+2*w+m*m*w*w+b*2*x",
        )
    },
    Encoder {
        names: &[
            "w=embed_dim:1280 r=mlp_ratio:4 i!w*r n=depth:32 p=patch_size:14 \
        t=temporal_patch_size:2 m=spatial_merge_size:2 o=hidden_size:x G!m*m*w",
            BLOCKS,
        ],
        shared_out: "S+G*G+G+G*o",
        ..encoder(&["qwen2_vl"], "W+P*t+2*w+o")
    },
    Encoder {
        names: &["w=hidden_size:1280", QWEN25, BLOCKS, QWEN25_LAYERS],
        shared_out: "D",
        ..encoder(&["qwen2_5_vl"], "E")
    },
    Encoder {
        names: &["w=hidden_size:3584", QWEN25, BLOCKS, QWEN25_LAYERS],
        ..encoder(&["qwen2_5_omni_thinker", "qwen2_5_omni"], "D+E")
    },
    Encoder {
        names: &["w=hidden_size:3584", QWEN25, BLOCKS, QWEN25_LAYERS],
        ..encoder(&["hyperclovax_vision_v2"], "D+E+o*x+x")
    },
    Encoder {
        names: &[
            "w=hidden_size:3584 a=num_heads:16 k=num_key_value_heads:8",
            QWEN25,
            BLOCKS,
            QWEN25_LAYERS,
        ],
        ..encoder(&["exaone4_5"], "E+D-n*2*(w+1)*(w-w/a*k)")
    },
    Encoder {
        names: &["d=#deepstack_visual_indexes:3", QWEN3, BLOCKS],
        shared_out: "S+(d+1)*(G*G+G+G*o)",
        ..encoder(
            &[
                "qwen3_vl",
                "qwen3_vl_moe",
                "cosmos3_omni",
                "qwen3_omni_moe_thinker",
                "qwen3_omni_moe",
            ],
            "W+P*t+w+q*w+2*w+2*G*d+o*(d+1)",
        )
    },
    Encoder {
        names: &["d=#deepstack_visual_indexes:0", QWEN3, BLOCKS],
        shared_out: "S+(d+1)*(G*G+G+G*o)",
        ..encoder(&["qwen3_5", "qwen3_5_moe"], "W+P*t+w+q*w+2*w+2*G*d+o*(d+1)")
    },
    Encoder {
        kind: "pixtral",
        names: &[PIXTRAL, BLOCKS],
        shared_out: "n*(4*w*w+3*w*i)+w*x+x+x*x+x",
        ..encoder(&["llava"], "n*2*w+P+w")
    },
    Encoder {
        kind: "siglip_vision_model",
        ..encoder(&["llava"], "L+P+w+Q+2*w+H+w*x+x+x*x+x")
    },
    Encoder {
        shared_out: "S+w*x+x+x*x",
        unsaid: true,
        names: &[CLIP_336, BLOCKS],
        ..encoder(&["llava"], "W+P+Q+6*w+x")
    },
    Encoder {
        names: &[CLIP_336, BLOCKS],
        ..encoder(
            &["llava_next", "llava_next_video"],
            "L+P+Q+6*w+w*x+x+x*x+2*x",
        )
    },
    Encoder {
        names: &[CLIP_336, BLOCKS],
        ..encoder(&["vipllava"], "L+P+Q+6*w+10*w+5*w*x+x+x*x+x")
    },
    Encoder {
        names: &[
            "w=hidden_size:1152 i=intermediate_size:4304 n=num_hidden_layers:26 \
        p=patch_size:14 s=image_size:384 u=vision_use_head:0",
            BLOCKS,
        ],
        ..encoder(&["llava_onevision"], "L+P+w+Q+2*w+H+w*x+x+x*x+2*x")
    },
    Encoder {
        names: &[
            "w=vt_hidden_size|hidden_size:1152 i=vt_intermediate_size|intermediate_size:4304 \
        n=vt_num_hidden_layers|num_hidden_layers:27 p=patch_size:14 \
        y=init_pos_emb_height|pos_emb_height:64 z=init_pos_emb_width|pos_emb_width:64 \
        o=text_hidden_size:x G!4*w",
            BLOCKS,
        ],
        shared_out: "S+G*G+G+G*o",
        ..encoder(&["kimi_k25", "kimi_vl"], "W+P+w+y*z*w+G+o")
    },
    Encoder {
        names: &[GLM4V, BLOCKS],
        ..encoder(
            &["glm4v", "glm46v", "glmga", "glm4v_moe"],
            "n*(2*w+4*w*w+b*3*w+3*w*o)+Q+P*t+w+o*o+2*o+3*i*o+2*w+o*w*m*m+o",
        )
    },
    Encoder {
        names: &[GLM_OCR, BLOCKS],
        ..encoder(
            &["glm_ocr", "glm5_next"],
            "n*(2*w+4*w*w+b*4*w+w/a*2+3*w*i+b*(2*i+w))+P*t+w+o*o+2*o+3*j*o+o*w*m*m+o+w",
        )
    },
    Encoder {
        names: &[INTERNVL, BLOCKS, INTERNVL_LAYERS],
        ..encoder(
            &["internvl", "internvl_chat", "qianfan_ocr"],
            "U+2*G+G*x+x+x*x+x",
        )
    },
    encoder(&["deepseek_vl"], "L+P+w+Q+2*w+H+w*x+x+x*x+x"),
    Encoder {
        names: &[
            "w=hidden_size:1152 p=patch_size:32 m=^scale_factor:2",
            BLOCKS,
        ],
        ..encoder(&["idefics3", "smolvlm"], "L+P+w+Q+2*w+w*m*m*x")
    },
    Encoder {
        names: &[
            "w=hidden_size:1152 i=intermediate_size:4304 n=num_hidden_layers:27 \
        p=patch_size:14 s=image_size:384",
            BLOCKS,
        ],
        ..encoder(&["paddleocr_vl"], "L+P+w+Q+4*w+16*w*w+4*w+4*w*x+x")
    },
    Encoder {
        names: &[
            "w=hidden_size:768 q=num_patches:256 m=^downsample_factor:2 j=^projector_hidden_size:2560 \
        b=^projector_bias:1 l=^projector_use_layernorm:1 G!m*m*w",
            BLOCKS,
        ],
        ..encoder(&["lfm2_vl"], "L+P+w+q*w+2*w+H+l*2*G+G*j+j*x+b*(j+x)")
    },
    Encoder {
        names: &[
            "n=num_hidden_layers:27 w=hidden_size:1152 s=image_size:512 \
        m=^downsample_factor:2 j=^alignment_intermediate_size:36864 G!m*m*w",
            BLOCKS,
        ],
        ..encoder(&["cohere2_vision"], "L+P+w+Q+2*w+H+G*j+j+j/2*x+x")
    },
    Encoder {
        names: &["o=projection_dim:x", BLOCKS],
        ..encoder(&["paligemma"], "L+P+w+Q+2*w+H+w*o+o")
    },
    encoder(&["video_llama_3"], "L+P+w+2*w+w*x+x+x*x+x"),
    Encoder {
        names: &[
            "w=hidden_size:1280 i=intermediate_size:5120 n=num_hidden_layers:32 \
        p=patch_size:14 t=temporal_patch_size:2 j=^projector_hidden_size:x",
            BLOCKS,
        ],
        ..encoder(&["minimax_m3_vl"], "L+P*t+2*w+w*j+j+j*x+x+4*x*j+j+j*x+x")
    },
    Encoder {
        names: &[
            "w=hidden_size:1536 i=intermediate_size:8960 n=num_hidden_layers:50 \
        p=patch_size:14 t=patch_temporal:2 y=pos_emb_height:32 z=pos_emb_width:32 \
        j=^projector_hidden_size:4096 o=^out_hidden_size:4*w",
            BLOCKS,
        ],
        ..encoder(&["muse_glimmer"], "L+4*w+P*t+y*z*w+o*j+j*j+j*x")
    },
    Encoder {
        names: &[
            "w=width|hidden_size:1536 i=intermediate_size:8960 n=layers|num_hidden_layers:47 \
        p=patch_size:14 q=max_position_embeddings:2704",
            BLOCKS,
        ],
        unsaid: true,
        ..encoder(
            &["step3p7"],
            "L+n*2*w+P+q*w+2*w+18*w*w+2*w+72*w*w+4*w+4*w*x",
        )
    },
    Encoder {
        names: &[
            "w=hidden_size:1280 i=intermediate_size:5120 n=num_hidden_layers:32 \
        g=num_global_layers:8 p=patch_size:14 s=image_size:448 \
        r=#supported_aspect_ratios:8 t=max_num_tiles:4 v=vision_output_dim:7680 N!(s/p*(s/p)+1)*w",
            BLOCKS,
        ],
        ..encoder(
            &["mllama"],
            "(n+g)*(4*w*w+M+4*w)+2*g+w+P+1+N+(r+1)*t*N+2+2*(r+1)*t*w+4*w+v*x+x",
        )
    },
    Encoder {
        names: &[
            "w=hidden_size:1152 i=intermediate_size:4304 n=num_hidden_layers:27 \
        p=patch_size:14 q=num_position_embeddings:729",
            BLOCKS,
        ],
        ..encoder(&["molmo2"], "L+P+w+q*w")
    },
    Encoder {
        object: "adapter_config",
        names: &[
            "w=hidden_size:1152 i=intermediate_size:18944 o=text_hidden_size:x \
        f=#vision_feature_layer|#vit_layers:2",
        ],
        ..encoder(&["molmo2"], "3*(f*w*w+w)+w*w+w+2*w*i+i*o")
    },
    Encoder {
        names: &[
            "w=hidden_size:1280 i=intermediate_size:5120 n=depth:32 p=patch_size:14 \
        m=spatial_merge_size:2 G!m*m*w",
            BLOCKS,
        ],
        ..encoder(
            &["ernie4_5_vl_moe"],
            "L+P+2*w+G*G+G+G*G+G+2*G+2*G*G+G+G*G+G+2*G+G*x+x+x",
        )
    },
    Encoder {
        names: &["w=hidden_size:768 i=intermediate_size:3072 G!4*w", BLOCKS],
        ..encoder(
            &["minicpmv4_6", "minicpmv4_7", "minicpm_ocr"],
            "L+P+w+Q+2*w+A+2*w+2*G+4*G*i+4*i+4*i*w+w+2*G+G*G+G+G*x+x",
        )
    },
    Encoder {
        names: &[
            "w=hidden_size:1024 i=intermediate_size:2816 n=num_hidden_layers:24 \
        p=patch_size:14 v=vocab_size:16384 q=num_visual_indicator_tokens:5 \
        m=hidden_stride:1 h=^hidden_size:x b=qkv_bias:0",
            BLOCKS,
        ],
        ..encoder(
            &["ovis2"],
            "n*(4*w*w+3*w*i+2*w+b*3*w)+P+w+Q+w+w+(v-q)*w*m*m+2*(v-q)+v*h",
        )
    },
    Encoder {
        names: &[SAM, BLOCKS, SAM_LAYERS],
        ..encoder(&["got_ocr2", "pp_chart2table"], "T+4*o*x+x")
    },
    Encoder {
        object: "vision_config.sam_config",
        names: &[SAM, BLOCKS, SAM_LAYERS],
        ..encoder(&["unlimited_ocr"], "T")
    },
    Encoder {
        object: "vision_config.encoder_config",
        names: &[
            "w=hidden_size:1024 i=intermediate_size:4096 n=num_hidden_layers:24 \
        p=patch_size:14",
            BLOCKS,
        ],
        ..encoder(&["unlimited_ocr"], "L+Q+4*w+2*w*x+x+2*x")
    },
    Encoder {
        names: &[
            "w=hidden_size:1280 n=num_hidden_layers:32 e=max_img_size:2048 k=num_cls_tokens:3 \
        r=num_registers:7 j=^projector_hidden_size:4096",
            BLOCKS,
        ],
        ..encoder(
            &["nemotron_h_omni"],
            "n*(A+8*w*w+5*w+4*w+2*w)+e/p*(e/p)*w+(k+r)*w+P+P*2+4*w+4*w*j+j*x",
        )
    },
    Encoder {
        names: &["d=hidden_size:2048 v=vocab_size:128"],
        unsaid: true,
        ..encoder(&["gemma3n"], "v*d+2*d+d*x+294126912")
    },
    Encoder {
        names: &[
            "w=hidden_size:1536 n=conf_num_hidden_layers:12 a=conf_num_attention_heads:8 \
        e=conf_conv_kernel_size:5 f=input_feat_size:128 v=vocab_size:128 k=channels:128 \
        l=channels:32",
        ],
        unsaid: true,
        ..sound(
            &["gemma3n"],
            "9*k+k+9*k*l+l+f/4*l*w+n*(16*w*w+6*w+5*w*w+w/a+2*w+3*w*w+w*e+w)+v*w+2*w+w*x",
        )
    },
    sound(&["voxtral"], "L+C+s*w+i*x+x*x"),
    sound(&["qwen2_audio"], "L+C+s*w+w*x+x"),
    Encoder {
        names: &["o=output_dim:x", SOUND, WHISPER],
        ..sound(&["qwen2_5_omni_thinker", "qwen2_5_omni"], "L+C+3*o+w*o")
    },
    Encoder {
        names: &[
            "o=output_dim:x",
            SOUND_QWEN3,
            SOUND,
            SOUND_QWEN3_CONVOLUTIONS,
        ],
        ..sound(
            &["qwen3_asr", "qwen3_omni_moe_thinker", "qwen3_omni_moe"],
            "L+C+w*w+w+w*o+o",
        )
    },
    sound(&["glmasr"], "L+n*0+C+i*2*x+2*x+2*x*x+x"),
    Encoder {
        object: "",
        names: &["p=patch_size:30 c=num_channels:3"],
        ..encoder(&["fuyu"], "p*p*c*x+x")
    },
    Encoder {
        names: &[
            "w=hidden_size:1152 i=intermediate_size:4304 n=num_hidden_layers:27 p=patch_size:14 s=image_size:448",
            BLOCKS,
        ],
        ..encoder(&["phi4_multimodal"], "L+P+w+Q+4*w+H+w*x+x+x*x+x")
    },
    Encoder {
        names: &[
            "w=hidden_size:1152 i=intermediate_size:3072 n=num_hidden_layers:12 p=patch_size:32 q=^max_value_projector_patch_to_query_dict:256",
            BLOCKS,
        ],
        ..encoder(&["aria"], "L+P+w+Q+2*w+q*w+8*w*w+11*w+w*x+x*x")
    },
    Encoder {
        names: &[
            "w=hidden_size:768 p=patch_size:16 s=image_size:512 m=scale_factor:4 o=out_hidden_size:x d=#deepstack_visual_indexes:3 f=use_fine_route:1 G!m*m*w R!G/4 D!2*G+G*o+o+o*o+o E!2*R+R*o+o+o*o+o",
            BLOCKS,
        ],
        ..encoder(
            &["granite_docling"],
            "L+P+w+Q+4*w+G*o+d*D+f*(R*o+d*E)+4*o+o*o",
        )
    },
    Encoder {
        names: &[
            "w=hidden_size:1152 i=intermediate_size:4304 n=num_hidden_layers:27 q=num_patches:256 m=spatial_merge_size:2 j=^projector_hidden_size:11520 G!m*m*w",
            BLOCKS,
        ],
        ..encoder(&["cosmos3_edge"], "L+P+w+q*w+4*w+G*j+j+j*x+x")
    },
    Encoder {
        names: &[
            "w=hidden_size:1536 i=intermediate_size:6144 n=num_hidden_layers:40 s=max_image_size:2048 o=out_hidden_size:x m=spatial_merge_size:2 G!m*m*w",
            BLOCKS,
        ],
        ..encoder(&["hy_v4_vl"], "L+P+w+Q+w+o+G*o+o+o*o+o+w")
    },
    Encoder {
        names: &[
            "w=hidden_size:1024 i=intermediate_size:1536 n=num_blocks:24 a=num_attention_heads:16 k=kernel_size:3 c=nemo_conv_channels:1024 f=nemo_final_size:10 d=bias_max_distance:1000 e=ext_pw_out_channel:1024 s=depthwise_separable_out_channel:1024 F!2*w+3*i*w+2*i+w",
        ],
        ..sound(
            &["phi4_multimodal"],
            "27*c+5*c+2*c*c+w*c*f+w+2*d*a+n*(2*F+4*w*w+4*w+2*w+2*e+2*e*w+2*e+w*k+w+s*w+s+e*s+e+4*w)+2*(w*x+x+x*x+x)",
        )
    },
    Encoder {
        names: &[
            "a=num_attention_heads:32 h=head_dim:64 m=^downsample_factor:4",
            SOUND,
            WHISPER,
        ],
        ..sound(
            &["voxtral_realtime"],
            "n*(4*a*h*w+2*a*h+4*w+3*w*i)+C+w+m*w*x+x*x",
        )
    },
    Encoder {
        object: "encoder_config",
        names: &[
            "w=hidden_dim:1024 n=num_layers:10 r=input_dim:160 o=output_dim:42 e=feedforward_mult:4 k=conv_kernel_size:15 v=conv_expansion_factor:2 m=max_pos_emb:512 h=dim_head:128 a=num_heads:8 F!3*w+2*e*w*w+e*w",
        ],
        ..encoder(
            &["granite_speech", "granite_speech_plus"],
            "w*r+w+n*(2*F+2*w+4*a*h*w+w+(2*m+1)*h+2*w+2*v*w*w+2*v*w+v*w*k+2*v*w+v*w*w+w+2*w)+2*w*o+o+w",
        )
    },
    Encoder {
        object: "projector_config",
        names: &[
            "w=hidden_size:768 i=intermediate_size:3072 n=num_hidden_layers:12 f=cross_attention_frequency:2 z=encoder_hidden_size:1408 q=^window_size:15 d=^downsample_rate:5",
        ],
        ..encoder(
            &["granite_speech", "granite_speech_plus"],
            "q/d*w+2*w+n*(4*w*w+6*w+2*w*i+i+3*w)+n/f*(2*w*w+2*z*w+6*w)+w*x+x",
        )
    },
    Encoder {
        names: &[
            "w=hidden_size:1024 n=num_hidden_layers:12 a=num_attention_heads:8 e=conv_kernel_size:5 k=subsampling_conv_channels:128 l!k/4 o=output_proj_dims:1536",
        ],
        ..sound(
            &["gemma4"],
            "10*k+9*k*l+l+32*l*w+n*(24*w*w+w*e+9*w+w/a)+o*w+o+o*x",
        )
    },
    // Patches and sound are projected without an encoder.
    Encoder {
        names: &[
            "q=mm_posemb_size:1120 d=mm_embed_dim:x p=model_patch_size:48 o=output_proj_dims:x P!p*p*3",
        ],
        ..encoder(&["gemma4_unified"], "q*2*d+2*P+P*d+5*d+o*x")
    },
    Encoder {
        names: &["o=output_proj_dims:640"],
        ..sound(&["gemma4_unified"], "o*x")
    },
    // FastViT is a network of fixed size.
    Encoder {
        names: &["w=hidden_size:3072"],
        kind: "timm_wrapper",
        ..encoder(&["fast_vlm"], "122714208+w*x+x+x*x+x")
    },
];
