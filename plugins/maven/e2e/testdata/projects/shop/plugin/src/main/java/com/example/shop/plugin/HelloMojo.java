package com.example.shop.plugin;

import com.example.shop.Shop;
import org.apache.maven.plugin.AbstractMojo;
import org.apache.maven.plugins.annotations.Mojo;

/** Says hello. */
@Mojo(name = "hello", requiresProject = false)
public class HelloMojo extends AbstractMojo {
    @Override
    public void execute() {
        getLog().info("plugin says: " + Shop.greet());
    }
}
